/*
 * aipp_gear: which tensor a graph takes behind AIPP, in each gear of its
 * model.
 */
#ifndef FAKE_AIPP_GEAR_H
#define FAKE_AIPP_GEAR_H

#include "file/aipp_record.h"

/*
 * A record with the dims of a gear, of which gears has so many; of a model
 * without gears the record as it is.
 */
AippRecord aipp_in_gear(const AippRecord *record, const Gears *gears, size_t gear);

/* In the gear whose tensor has the most bytes, the first of several. */
AippRecord aipp_in_largest(const AippRecord *record, const Gears *gears);

/* Do gears say the height and the width of the tensor? */
bool aipp_size_is_open(const AippRecord *record);

/* The tensor is known in each gear, and not too large: 0, or a status. */
int aipp_gears_check(const AippRecord *record, size_t at, const Inout *inout);

#endif
