/*
 * The process ends by the same signal as ever, by the default action: it is
 * taken once, and the access is made again.
 */
#include "control/fault.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <ucontext.h>

#include "base/locks.h"
#include "base/site.h"
#include "base/tell.h"
#include "base/text.h"
#include "call/calls.h"
#include "call/places.h"
#include "call/settings.h"
#include "memory/memory.h"
#include "memory/objects.h"

enum { LINE_SIZE = 2048 };

/* Where the access was made; NULL: this machine's registers are not known. */
static const void *place_of(const void *context)
{
    const ucontext_t *user = context;

#if defined(__x86_64__)
    return (const void *)user->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (const void *)user->uc_mcontext.pc;
#else
    (void)user;
    return NULL;
#endif
}

static void add_what(Text *text, const void *address)
{
    char history[HISTORY_SIZE];

    if (device_owns(address))
        text_add(text,
                 "SIGSEGV: the host touched %p, device memory, %s; only the device can: "
                 "aclrtMemcpy copies it\n",
                 address, device_history(address, history));
    else
        text_add(text, "SIGSEGV: the host touched %p, a handle, which is no pointer\n", address);
}

static void tell_fault(const void *address, const void *place)
{
    char bytes[LINE_SIZE];
    char site[SITE_SIZE];
    const void *stack[STACK_MAX];
    Text text = text_in(bytes, sizeof bytes);
    size_t count = site_stack(place, stack);

    place_head(&text);
    add_what(&text, address);
    for (size_t i = 0; i < count; i++)
        text_add(&text, "    at %s\n", site_text((const char *)stack[i] + (i == 0), site));
    tell(bytes, text.length < sizeof bytes ? text.length : sizeof bytes - 1);
}

/* A lock that is held for good would keep the process from its end. */
static bool is_readable(void)
{
    bool readable = locks_take();

    if (readable)
        locks_give_back();
    return readable;
}

/* A signal that somebody sent has no address, and no access that is made again. */
static void on_fault(int number, siginfo_t *about, void *context)
{
    if (about->si_code <= 0)
        raise(number);
    else if ((device_owns(about->si_addr) || object_is_handle(about->si_addr)) && is_readable())
        tell_fault(about->si_addr, place_of(context));
}

void fault_watch(void)
{
    struct sigaction now;
    struct sigaction ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | (int)SA_RESETHAND};

    if (settings.report != REPORT_LIVE || sigaction(SIGSEGV, NULL, &now) != 0 ||
        (now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL)
        return;
    sigemptyset(&ours.sa_mask);
    sigaction(SIGSEGV, &ours, NULL);
}
