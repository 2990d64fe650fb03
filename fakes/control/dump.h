/*
 * dump: whether aclmdlInitDump was called.
 */
#ifndef FAKE_DUMP_H
#define FAKE_DUMP_H

/* Nobody called it. */
void dump_reset(void);

#endif
