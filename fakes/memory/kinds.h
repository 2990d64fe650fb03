/*
 * kinds: what an object can be, and how a message names one.
 *
 * An argument often says by itself what it should be: "event 0x7f10" needs
 * no "an event" behind it, "handle 0x7f10" does.
 */
#ifndef FAKE_KINDS_H
#define FAKE_KINDS_H

#include <stdbool.h>

#define KINDS(KIND) \
    KIND(CONTEXT, "context") \
    KIND(DATA_BUFFER, "data buffer") \
    KIND(TENSOR_DESC, "tensor description") \
    KIND(DATASET, "dataset") \
    KIND(MODEL_DESC, "model description") \
    KIND(CONFIG, "load configuration") \
    KIND(EXEC_CONFIG, "execution configuration") \
    KIND(QUERY_INFO, "bundle query") \
    KIND(PROF_CONFIG, "profiler's configuration") \
    KIND(PROF_SUBSCRIPTION, "configuration of a subscription") \
    KIND(PROF_STAMP, "stamp") \
    KIND(PROF_STEP, "step info") \
    KIND(AIPP, "set of AIPP parameters") \
    KIND(STREAM, "stream") \
    KIND(EVENT, "event") \
    KIND(EXCEPTION, "exception info") \
    KIND(DVPP_CHANNEL, "channel description") \
    KIND(PIC_DESC, "picture description") \
    KIND(BATCH_PIC_DESC, "batch of picture descriptions") \
    KIND(ROI_CONFIG, "region configuration") \
    KIND(RESIZE_CONFIG, "resize configuration") \
    KIND(JPEGE_CONFIG, "encoder configuration") \
    KIND(BORDER_CONFIG, "border configuration") \
    KIND(LUT_MAP, "lookup table") \
    KIND(HIST, "histogram") \
    KIND(STREAM_DESC, "stream description") \
    KIND(VDEC_CHANNEL, "video decoder description") \
    KIND(VDEC_FRAME, "video decoder frame configuration") \
    KIND(VENC_CHANNEL, "video encoder description") \
    KIND(VENC_FRAME, "video encoder frame configuration")

typedef enum Kind {
    KIND_NONE,
#define KIND(name, text) KIND_##name,
    KINDS(KIND)
#undef KIND
        KIND_COUNT
} Kind;

/* "event"; never NULL. */
const char *kind_name(Kind kind);

/* The article that goes before the name: "a" or "an". */
const char *kind_article(Kind kind);

/* Does an argument's name say the kind, as dataBuffer and tensorDesc do? */
bool kind_is_said(Kind kind, const char *argument);

#endif
