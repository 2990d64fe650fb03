/*
 * plans: faults and latencies, as a text of the environment asks for them.
 *
 *     ACL_FAKE_FAIL=aclmdlExecute:2:507011,aclrtMalloc:0:207001
 *     ACL_FAKE_LATENCY=aclmdlExecute:75000,aclrtMemcpy:90000:0.23
 *
 * Both return NULL, or what would have been right; nothing is changed then.
 */
#ifndef FAKE_PLANS_H
#define FAKE_PLANS_H

/* Adds faults, function:nth:code each, as aclfakeFail() takes them. */
const char *plan_faults(const char *text);

/* Adds latencies, function:fixedNs[:nsPerByte], as aclfakeLatency() does. */
const char *plan_latencies(const char *text);

#endif
