/*
 * fields: descriptions whose members have a setter and a getter each.
 *
 *     SETTER(acldvppSetRoiConfigLeft, acldvppRoiConfig, config, KIND_ROI_CONFIG, Region,
 *            uint32_t, left, left)
 *
 * defines the function of that name; argument is the handle's name in CANN's
 * header, member that of the body's. What a setter checks more is in VALID,
 * an expression of the value that is a status. A destroyer takes NULL, as
 * CANN's do.
 */
#ifndef FAKE_FIELDS_H
#define FAKE_FIELDS_H

#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/objects.h"
#include "stream/order.h"

/* The body behind a handle, or NULL with a status in *status. */
static inline void *body_find(const void *handle, Kind kind, const char *argument, int *status)
{
    if (handle == NULL) {
        *status = refuse(E_PARAM, "%s is NULL", argument);
        return NULL;
    }
    void *body = object_find(handle, kind, argument);
    *status = body != NULL ? E_NONE : violation_status();
    return body;
}

/* A new one: its handle, or NULL with a status. */
static inline void *body_new(Kind kind, size_t size, int *status)
{
    void *handle = NULL;

    if (object_new(kind, size, NULL, NULL, &handle) == NULL)
        *status = E_BAD_ALLOC;
    return handle;
}

static inline int body_destroy(const void *handle, Kind kind, const char *argument)
{
    if (handle == NULL)
        return E_NONE;
    order_note_end(CLAIM_DESC, handle);
    return object_destroy(handle, kind, argument) ? E_NONE : violation_status();
}

#define MAKER(name, type, kind, body) \
    type *name(void) \
    { \
        ENTER_AS(name, NULL, NO_ARGS); \
        return body_new(kind, sizeof(body), &call.status); \
    }

#define DESTROYER(name, type, argument, kind) \
    aclError name(type *argument) \
    { \
        ENTER(name, #argument "=%p", (void *)argument); \
        LEAVE(body_destroy(argument, kind, #argument)); \
    }

/* A member that the device writes is not touched while a stream may do so. */
#define SETTER_IF(name, type, argument, kind, body, value_type, value, member, VALID) \
    aclError name(type *argument, value_type value) \
    { \
        ENTER(name, #argument "=%p, " #value "=%llu", (void *)argument, \
              (unsigned long long)(uintptr_t)value); \
        int status; \
        body *found = body_find(argument, kind, #argument, &status); \
        if (status == E_NONE) \
            status = VALID; \
        if (status == E_NONE) \
            status = order_check_host(CLAIM_DESC, argument, 1, false, #name " changes"); \
        if (status == E_NONE) \
            found->member = value; \
        LEAVE(status); \
    }

#define SETTER(name, type, argument, kind, body, value_type, value, member) \
    SETTER_IF(name, type, argument, kind, body, value_type, value, member, E_NONE)

#define GETTER(name, type, argument, kind, body, value_type, member) \
    value_type name(const type *argument) \
    { \
        ENTER_AS(name, (value_type)0, #argument "=%p", (const void *)argument); \
        const body *found = body_find(argument, kind, #argument, &call.status); \
        if (found != NULL) \
            call.status = order_check_host(CLAIM_DESC, argument, 1, false, #name " reads"); \
        return call.status == E_NONE ? (value_type)found->member : (value_type)0; \
    }

#endif
