/*
 * environment: settings that a program is started with.
 *
 * Every setting of aclfakeSet has its variable: ACL_FAKE_ and the key in
 * capitals. They are applied in the order of the settings, not of the
 * environment: a profile comes before latencies. A bad variable cannot be
 * refused where it is read, as no call is running: aclInit refuses it, and
 * with it what needs aclInit. One line on stderr says so, once in a process.
 */
#ifndef FAKE_ENVIRONMENT_H
#define FAKE_ENVIRONMENT_H

/* Applies the variables that there are; what is wrong is for aclInit. */
void environment_apply(void);

#endif
