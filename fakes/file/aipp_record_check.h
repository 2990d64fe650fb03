/*
 * aipp_record_check: does what a program says of AIPP fit its model?
 */
#ifndef FAKE_AIPP_RECORD_CHECK_H
#define FAKE_AIPP_RECORD_CHECK_H

#include "file/aipp_record.h"

/*
 * Does a record fit the model? 0, or a status after a message that names the
 * record. The first so many records were accepted.
 */
int aipp_record_check(const AippRecord *records, size_t at, const Inout *inout);

#endif
