/*
 * forward: what libacl_rt.so, libacl_mdl.so and the other names that clients
 * link have in common: everything, and none of it here.
 *
 * Each of these libraries needs libascendcl.so, which lies beside it, so a
 * process that loads one of them has that one instance. Their symbol tables
 * name every function, for the linker of a client is content with what the
 * library on its command line names; but all names have the value 0, which a
 * dynamic loader never takes for a definition. It goes on and finds the one
 * in libascendcl.so, or finds none where the function is hidden.
 *
 * A section that is not loaded is where symbols have such values.
 */
#include "call/functions.h"

#define NAMED(name) \
    ".globl " #name "\n" \
    ".type " #name ", STT_FUNC\n" #name ":\n"
#define FUNCTION(name, ...) NAMED(name)

__asm__(".pushsection .acl_names, \"\"\n" FUNCTIONS(FUNCTION) UNSIMULATED(FUNCTION)
            NAMED(aclfakeReset) NAMED(aclfakeSet) NAMED(aclfakeFail) NAMED(aclfakeLatency)
                NAMED(aclfakeRead) NAMED(aclfakeCallback) NAMED(aclfakeHost)
                    NAMED(aclfakeTell) ".byte 0\n"
                                       ".popsection\n");
