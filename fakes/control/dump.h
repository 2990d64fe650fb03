/*
 * dump: whether aclmdlInitDump was called.
 */
#ifndef FAKE_DUMP_H
#define FAKE_DUMP_H

#endif
