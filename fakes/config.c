#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "external.h"
#include "host_memory.h"
#include "message.h"
#include "objects.h"
#include "violations.h"

enum {
    ATTRIBUTES = ACL_MDL_WITHOUT_GRAPH_INT32 + 1,
    PRIORITY_MAX = 7,
    WEIGHT_ALIGNMENT = 32,
    FROM_FILE_WITH_MEM = 2,
    FROM_MEM_WITH_MEM = 4,
    FROM_FILE_WITH_Q = 5
};

/*
 * What a load configuration holds, one value for each attribute. Texts are
 * copied when they are set.
 */
typedef struct Config {
    bool set[ATTRIBUTES];
    ExternalWeight *external;   /* owned, and the names in it */
    size_t external_count;
    union {
        int32_t number;
        size_t size;
        void *pointer;
    } value[ATTRIBUTES];
} Config;

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

static const Attribute attributes[ATTRIBUTES] = {
    [ACL_MDL_PRIORITY_INT32] = {4, .bounded = true, .high = PRIORITY_MAX},
    [ACL_MDL_LOAD_TYPE_SIZET] = {8, .bounded = true, .low = 1, .high = 6},
    [ACL_MDL_PATH_PTR] = {8, .required = true},
    [ACL_MDL_MEM_ADDR_PTR] = {8, .required = true},
    [ACL_MDL_MEM_SIZET] = {8},
    [ACL_MDL_WEIGHT_ADDR_PTR] = {8},
    [ACL_MDL_WEIGHT_SIZET] = {8},
    [ACL_MDL_WORKSPACE_ADDR_PTR] = {8},
    [ACL_MDL_WORKSPACE_SIZET] = {8},
    [ACL_MDL_INPUTQ_NUM_SIZET] = {8},
    [ACL_MDL_INPUTQ_ADDR_PTR] = {8, .required = true},
    [ACL_MDL_OUTPUTQ_NUM_SIZET] = {8},
    [ACL_MDL_OUTPUTQ_ADDR_PTR] = {8, .required = true},
    [ACL_MDL_WORKSPACE_MEM_OPTIMIZE] = {8, .bounded = true, .high = 1},
    [ACL_MDL_WEIGHT_PATH_PTR] = {8, .required = true},
    [ACL_MDL_WITHOUT_GRAPH_INT32] = {4, .bounded = true, .high = 1},
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
    if (object_new(KIND_CONFIG, sizeof(Config), release, NULL,
                   &handle) == NULL)
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

static int check_value(const Attribute *attribute, int attr,
                       const void *bytes)
{
    uint64_t number = 0;

    memcpy(&number, bytes, attribute->size);
    if (attribute->required && number == 0)
        return refuse(E_PARAM, "attribute %d is set to a NULL pointer", attr);
    if (attribute->bounded &&
        (number < attribute->low || number > attribute->high))
        return refuse(E_PARAM, "attribute %d is %llu, not %llu..%llu", attr,
                      (unsigned long long)number,
                      (unsigned long long)attribute->low,
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

static int set_value(Config *config, int attr, const void *bytes,
                     size_t size)
{
    if (attr < 0 || attr >= ATTRIBUTES || attributes[attr].size == 0)
        return refuse(E_PARAM, "there is no attribute %d to set", attr);
    if (size != attributes[attr].size)
        return refuse(E_PARAM, "attribute %d has %zu bytes, not %zu", attr,
                      attributes[attr].size, size);
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
    ENTER(aclmdlSetConfigOpt, "handle=%p, attr=%d, attrValue=%p, "
          "valueSize=%zu", (void *)handle, (int)attr, attrValue, valueSize);
    if (handle == NULL)
        LEAVE(refuse(E_PARAM, "handle is NULL"));
    Config *config = object_find(handle, KIND_CONFIG, "handle");
    if (config == NULL)
        LEAVE(violation_status());
    NOT_NULL(attrValue);
    LEAVE(set_value(config, (int)attr, attrValue, valueSize));
}

static int find(const aclmdlConfigHandle *handle, const Config **config)
{
    if (handle == NULL)
        return refuse(E_PARAM, "handle is NULL");
    *config = object_find(handle, KIND_CONFIG, "handle");
    return *config != NULL ? E_NONE : violation_status();
}

int config_memory(const aclmdlConfigHandle *handle, LoadOptions *options)
{
    const Config *config = NULL;
    int status = find(handle, &config);

    if (status != E_NONE)
        return status;
    options->weight_folder = config->value[ACL_MDL_WEIGHT_PATH_PTR].pointer;
    options->external = config->external;
    options->external_count = config->external_count;
    options->work = (Area){config->value[ACL_MDL_WORKSPACE_ADDR_PTR].pointer,
                           config->value[ACL_MDL_WORKSPACE_SIZET].size,
                           false};
    options->weights = (Area){config->value[ACL_MDL_WEIGHT_ADDR_PTR].pointer,
                              config->value[ACL_MDL_WEIGHT_SIZET].size,
                              false};
    return E_NONE;
}

int config_source(const aclmdlConfigHandle *handle, ConfigSource *source)
{
    const Config *config = NULL;
    int status = find(handle, &config);

    if (status == E_NONE)
        *source = (ConfigSource){
            config->value[ACL_MDL_LOAD_TYPE_SIZET].size,
            config->value[ACL_MDL_PATH_PTR].pointer,
            config->value[ACL_MDL_MEM_ADDR_PTR].pointer,
            config->value[ACL_MDL_MEM_SIZET].size};
    return status;
}

static int check_set(const Config *config, const int *attr, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!config->set[attr[i]])
            return refuse(E_PARAM, "load type %zu needs attribute %d, which "
                          "is not set",
                          config->value[ACL_MDL_LOAD_TYPE_SIZET].size,
                          attr[i]);
    return E_NONE;
}

/* Weights beside a file are found there: no other folder may be named. */
int config_check(const aclmdlConfigHandle *handle)
{
    static const int file[] = {ACL_MDL_PATH_PTR};
    static const int memory[] = {ACL_MDL_MEM_ADDR_PTR, ACL_MDL_MEM_SIZET};
    static const int queues[] = {
        ACL_MDL_INPUTQ_ADDR_PTR, ACL_MDL_INPUTQ_NUM_SIZET,
        ACL_MDL_OUTPUTQ_ADDR_PTR, ACL_MDL_OUTPUTQ_NUM_SIZET};
    const Config *config = NULL;
    int status = find(handle, &config);

    if (status != E_NONE)
        return status;
    if (!config->set[ACL_MDL_LOAD_TYPE_SIZET])
        return refuse(E_PARAM, "the load type is not set");
    size_t type = config->value[ACL_MDL_LOAD_TYPE_SIZET].size;
    bool from_file = type <= FROM_FILE_WITH_MEM || type == FROM_FILE_WITH_Q;
    status = from_file ? check_set(config, file, 1)
                       : check_set(config, memory, 2);
    if (status == E_NONE && from_file && config->set[ACL_MDL_WEIGHT_PATH_PTR])
        status = refuse(E_PARAM, "load type %zu finds its weights beside the "
                        "model; ACL_MDL_WEIGHT_PATH_PTR is not for it", type);
    if (status == E_NONE && type > FROM_MEM_WITH_MEM)
        status = check_set(config, queues, 4);
    return status;
}

/* Replaces what was given for the file before, or appends. */
static int keep_external(Config *config, const char *name, void *address,
                         size_t size)
{
    for (size_t i = 0; i < config->external_count; i++)
        if (strcmp(config->external[i].name, name) == 0) {
            config->external[i].address = address;
            config->external[i].size = size;
            return E_NONE;
        }
    ExternalWeight *list = realloc(config->external,
                                   (config->external_count + 1) *
                                       sizeof *list);
    char *copy = list != NULL ? strdup(name) : NULL;
    if (list != NULL)
        config->external = list;
    if (copy == NULL)
        return refuse(E_BAD_ALLOC, "no memory for another file of weights");
    list[config->external_count++] = (ExternalWeight){copy, address, size};
    return E_NONE;
}

aclError aclmdlSetExternalWeightAddress(aclmdlConfigHandle *handle,
                                        const char *weightFileName,
                                        void *devPtr, size_t size)
{
    ENTER(aclmdlSetExternalWeightAddress, "handle=%p, weightFileName=%p, "
          "devPtr=%p, size=%zu", (void *)handle, (const void *)weightFileName,
          devPtr, size);
    if (handle == NULL)
        LEAVE(refuse(E_PARAM, "handle is NULL"));
    Config *config = object_find(handle, KIND_CONFIG, "handle");
    if (config == NULL)
        LEAVE(violation_status());
    NOT_NULL(weightFileName);
    if (devPtr == NULL)
        LEAVE(refuse(E_PARAM, "devPtr is NULL"));
    if (size == 0 || size % WEIGHT_ALIGNMENT != 0)
        LEAVE(refuse(E_PARAM, "size is %zu, not a multiple of %d", size,
                     WEIGHT_ALIGNMENT));
    LEAVE(keep_external(config, weightFileName, devPtr, size));
}

aclmdlExecConfigHandle *aclmdlCreateExecConfigHandle(void)
{
    ENTER_AS(aclmdlCreateExecConfigHandle, NULL, NO_ARGS);
    void *handle = NULL;
    ExecConfig *config = object_new(KIND_EXEC_CONFIG, sizeof *config, NULL,
                                    NULL, &handle);
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

aclError aclmdlSetExecConfigOpt(aclmdlExecConfigHandle *handle,
                                aclmdlExecConfigAttr attr,
                                const void *attrValue, size_t valueSize)
{
    ENTER(aclmdlSetExecConfigOpt, "handle=%p, attr=%d, attrValue=%p, "
          "valueSize=%zu", (void *)handle, (int)attr, attrValue, valueSize);
    int32_t timeout = 0;
    int status = exec_config_check(handle);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(attrValue);
    if (attr != ACL_MDL_STREAM_SYNC_TIMEOUT &&
        attr != ACL_MDL_EVENT_SYNC_TIMEOUT)
        LEAVE(refuse(E_PARAM, "there is no attribute %d to set", (int)attr));
    if (valueSize != sizeof timeout)
        LEAVE(refuse(E_PARAM, "attribute %d has 4 bytes, not %zu", (int)attr,
                     valueSize));
    memcpy(&timeout, attrValue, sizeof timeout);
    if (timeout < -1)
        LEAVE(refuse(E_PARAM, "the timeout %d is less than -1", timeout));
    ExecConfig *config = object_peek(handle, KIND_EXEC_CONFIG);
    config->timeout[attr] = timeout;
    LEAVE(E_NONE);
}
