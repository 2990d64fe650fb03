#include "model/config.h"

#include <stdlib.h>
#include <string.h>

#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/objects.h"
#include "model/config_values.h"

enum { PRIORITY_MAX = 7 };

typedef struct ExecConfig {
    int32_t timeout[2];         /* stream, event; milliseconds */
} ExecConfig;

/* Which values an attribute takes; size 0: it cannot be set. */
typedef struct Attribute {
    size_t size;
    bool required;              /* a pointer that must not be NULL */
    bool bounded;
    uint64_t low;
    uint64_t high;
} Attribute;

static const Attribute attributes[CONFIG_ATTRIBUTES] = {
    [ACL_MDL_PRIORITY_INT32] = {.size = 4, .bounded = true, .high = PRIORITY_MAX},
    [ACL_MDL_LOAD_TYPE_SIZET] = {.size = 8, .bounded = true, .low = 1, .high = 6},
    [ACL_MDL_PATH_PTR] = {.size = 8, .required = true},
    [ACL_MDL_MEM_ADDR_PTR] = {.size = 8, .required = true},
    [ACL_MDL_MEM_SIZET] = {.size = 8},
    [ACL_MDL_WEIGHT_ADDR_PTR] = {.size = 8},
    [ACL_MDL_WEIGHT_SIZET] = {.size = 8},
    [ACL_MDL_WORKSPACE_ADDR_PTR] = {.size = 8},
    [ACL_MDL_WORKSPACE_SIZET] = {.size = 8},
    [ACL_MDL_INPUTQ_NUM_SIZET] = {.size = 8},
    [ACL_MDL_INPUTQ_ADDR_PTR] = {.size = 8, .required = true},
    [ACL_MDL_OUTPUTQ_NUM_SIZET] = {.size = 8},
    [ACL_MDL_OUTPUTQ_ADDR_PTR] = {.size = 8, .required = true},
    [ACL_MDL_WORKSPACE_MEM_OPTIMIZE] = {.size = 8, .bounded = true, .high = 1},
    [ACL_MDL_WEIGHT_PATH_PTR] = {.size = 8, .required = true},
    [ACL_MDL_WITHOUT_GRAPH_INT32] = {.size = 4, .bounded = true, .high = 1},
};

static bool is_text(int attr)
{
    return attr == ACL_MDL_PATH_PTR || attr == ACL_MDL_WEIGHT_PATH_PTR;
}

static void release(void *body)
{
    Config *config = body;

    free(config->value[ACL_MDL_PATH_PTR].pointer);
    free(config->value[ACL_MDL_WEIGHT_PATH_PTR].pointer);
    for (size_t i = 0; i < config->external_count; i++)
        free(config->external[i].name);
    free(config->external);
}

aclmdlConfigHandle *aclmdlCreateConfigHandle(void)
{
    ENTER_AS(aclmdlCreateConfigHandle, NULL, NO_ARGS);
    void *handle = NULL;
    if (object_new(KIND_CONFIG, sizeof(Config), release, NULL, &handle) == NULL)
        call.status = E_BAD_ALLOC;
    return handle;
}

aclError aclmdlDestroyConfigHandle(aclmdlConfigHandle *handle)
{
    ENTER(aclmdlDestroyConfigHandle, "handle=%p", (void *)handle);
    if (handle == NULL)
        LEAVE(refuse(E_PARAM, "handle is NULL"));
    if (!object_destroy(handle, KIND_CONFIG, "handle"))
        LEAVE(violation_status());
    LEAVE(E_NONE);
}

static int check_value(const Attribute *attribute, int attr, const void *bytes)
{
    uint64_t number = 0;

    memcpy(&number, bytes, attribute->size);
    if (attribute->required && number == 0)
        return refuse(E_PARAM, "attribute %d is set to a NULL pointer", attr);
    if (attribute->bounded && (number < attribute->low || number > attribute->high))
        return refuse(E_PARAM, "attribute %d is %llu, not %llu..%llu", attr,
                      (unsigned long long)number, (unsigned long long)attribute->low,
                      (unsigned long long)attribute->high);
    return E_NONE;
}

static int set_text(Config *config, int attr, const void *bytes)
{
    const char *text;

    memcpy(&text, bytes, sizeof text);
    if (host_check(text, "attrValue") != E_NONE)
        return violation_status();
    char *copy = strdup(text);
    if (copy == NULL)
        return refuse(E_BAD_ALLOC, "no memory for a path");
    free(config->value[attr].pointer);
    config->value[attr].pointer = copy;
    return E_NONE;
}

static int set_value(Config *config, int attr, const void *bytes, size_t size)
{
    if (attr < 0 || attr >= CONFIG_ATTRIBUTES || attributes[attr].size == 0)
        return refuse(E_PARAM, "there is no attribute %d to set", attr);
    if (size != attributes[attr].size)
        return refuse(E_PARAM, "attribute %d has %zu bytes, not %zu", attr, attributes[attr].size,
                      size);
    int status = check_value(&attributes[attr], attr, bytes);
    if (status == E_NONE && is_text(attr))
        status = set_text(config, attr, bytes);
    else if (status == E_NONE)
        memcpy(&config->value[attr], bytes, size);
    config->set[attr] |= status == E_NONE;
    return status;
}

aclError aclmdlSetConfigOpt(aclmdlConfigHandle *handle, aclmdlConfigAttr attr,
                            const void *attrValue, size_t valueSize)
{
    ENTER(aclmdlSetConfigOpt,
          "handle=%p, attr=%d, attrValue=%p, "
          "valueSize=%zu",
          (void *)handle, (int)attr, attrValue, valueSize);
    if (handle == NULL)
        LEAVE(refuse(E_PARAM, "handle is NULL"));
    Config *config = object_find(handle, KIND_CONFIG, "handle");
    if (config == NULL)
        LEAVE(violation_status());
    NOT_NULL(attrValue);
    LEAVE(set_value(config, (int)attr, attrValue, valueSize));
}

aclmdlExecConfigHandle *aclmdlCreateExecConfigHandle(void)
{
    ENTER_AS(aclmdlCreateExecConfigHandle, NULL, NO_ARGS);
    void *handle = NULL;
    ExecConfig *config = object_new(KIND_EXEC_CONFIG, sizeof *config, NULL, NULL, &handle);
    if (config == NULL) {
        call.status = E_BAD_ALLOC;
        return NULL;
    }
    *config = (ExecConfig){{-1, -1}};
    return handle;
}

aclError aclmdlDestroyExecConfigHandle(const aclmdlExecConfigHandle *handle)
{
    ENTER(aclmdlDestroyExecConfigHandle, "handle=%p", (const void *)handle);
    if (handle == NULL)
        LEAVE(refuse(E_PARAM, "handle is NULL"));
    if (!object_destroy(handle, KIND_EXEC_CONFIG, "handle"))
        LEAVE(violation_status());
    LEAVE(E_NONE);
}

int exec_config_check(const aclmdlExecConfigHandle *handle)
{
    if (handle == NULL)
        return refuse(E_PARAM, "handle is NULL");
    if (object_find(handle, KIND_EXEC_CONFIG, "handle") == NULL)
        return violation_status();
    return E_NONE;
}

int32_t exec_config_timeout(const aclmdlExecConfigHandle *handle)
{
    const ExecConfig *config = object_peek(handle, KIND_EXEC_CONFIG);

    return config != NULL ? config->timeout[ACL_MDL_STREAM_SYNC_TIMEOUT] : -1;
}

/* The event timeout is kept and never asked for: no run waits for an event. */
aclError aclmdlSetExecConfigOpt(aclmdlExecConfigHandle *handle, aclmdlExecConfigAttr attr,
                                const void *attrValue, size_t valueSize)
{
    ENTER(aclmdlSetExecConfigOpt,
          "handle=%p, attr=%d, attrValue=%p, "
          "valueSize=%zu",
          (void *)handle, (int)attr, attrValue, valueSize);
    int32_t timeout = 0;
    int status = exec_config_check(handle);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(attrValue);
    if (attr != ACL_MDL_STREAM_SYNC_TIMEOUT && attr != ACL_MDL_EVENT_SYNC_TIMEOUT)
        LEAVE(refuse(E_PARAM, "there is no attribute %d to set", (int)attr));
    if (valueSize != sizeof timeout)
        LEAVE(refuse(E_PARAM, "attribute %d has 4 bytes, not %zu", (int)attr, valueSize));
    memcpy(&timeout, attrValue, sizeof timeout);
    if (timeout < -1)
        LEAVE(refuse(E_PARAM, "the timeout %d is less than -1", timeout));
    ExecConfig *config = object_peek(handle, KIND_EXEC_CONFIG);
    config->timeout[attr] = timeout;
    LEAVE(E_NONE);
}
