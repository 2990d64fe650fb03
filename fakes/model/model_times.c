#include "model/model_times.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codes.h"
#include "base/json.h"
#include "base/now.h"
#include "call/message.h"
#include "model/model_engine.h"

enum { NAME_SIZE = 512 };

#define KERNEL "_kernel_time"   /* how the name of an operator's event ends */

/* What an event of ONNX Runtime's file says of one operator. */
typedef struct Timed {
    char name[NAME_SIZE];
    char type[NAME_SIZE];
    uint64_t start_us;
    uint64_t us;
} Timed;

static bool find_number(Json event, const char *name, uint64_t *number)
{
    Json value;

    if (!json_find(event, name, &value) || !json_is_number(value))
        return false;
    *number = strtoull(value.text, NULL, 10);
    return true;
}

static bool find_string(Json object, const char *name, char *text)
{
    Json value;

    return json_find(object, name, &value) && json_string(value, text, NAME_SIZE);
}

/* Is this event an operator's? Then it is read. */
static bool operator_read(Json row, Timed *timed)
{
    char category[NAME_SIZE];
    Json about;

    if (!find_string(row, "cat", category) || strcmp(category, "Node") != 0 ||
        !find_string(row, "name", timed->name) || !json_find(row, "args", &about) ||
        !find_string(about, "op_name", timed->type) || !find_number(row, "ts", &timed->start_us) ||
        !find_number(row, "dur", &timed->us))
        return false;
    size_t length = strlen(timed->name);
    size_t end = strlen(KERNEL);
    if (length < end || strcmp(timed->name + length - end, KERNEL) != 0)
        return false;
    timed->name[length - end] = '\0';
    return true;
}

/* When the run began, in the file's microseconds. */
static bool run_began(Json events, uint64_t *start_us)
{
    char name[NAME_SIZE];

    for (Json row = {0}; json_next(events, &row);)
        if (find_string(row, "name", name) && strcmp(name, "model_run") == 0)
            return find_number(row, "ts", start_us);
    return false;
}

static int tell_all(const char *text, uint64_t began_ns,
                    void (*tell)(const OpTime *time, const void *to), const void *to)
{
    Json events;
    uint64_t began_us = 0;

    if (!json_parse(text, &events) || !run_began(events, &began_us))
        return refuse(E_GE, "onnxruntime's times have another form than is known");
    for (Json row = {0}; json_next(events, &row);) {
        Timed timed;
        if (operator_read(row, &timed) && timed.start_us >= began_us)
            tell(&(OpTime){timed.name, timed.type, began_ns + (timed.start_us - began_us) * 1000,
                           timed.us * 1000},
                 to);
    }
    return E_NONE;
}

/* Removes a folder and the files in it: a session that failed has left one, too. */
static void remove_folder(const char *folder)
{
    char pattern[4200];
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s/*", folder);
    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            unlink(found.gl_pathv[i]);
        globfree(&found);
    }
    rmdir(folder);
}

/* The bytes of a file, with a NUL behind them, which the caller frees; or NULL. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    struct stat about;
    char *text = NULL;

    if (file == NULL)
        return NULL;
    if (fstat(fileno(file), &about) == 0)
        text = malloc((size_t)about.st_size + 1);
    if (text != NULL)
        text[fread(text, 1, (size_t)about.st_size, file)] = '\0';
    fclose(file);
    return text;
}

/* Takes the file of an engine that has run: its text, or NULL after a message. */
static char *take_file(Engine *engine)
{
    char *path = engine_end_times(engine);

    if (path == NULL)
        return NULL;
    char *text = read_file(path);
    if (text == NULL)
        refuse(E_GE, "the times in %s cannot be read", path);
    free(path);
    return text;
}

static int run_timed(const Model *model, const char *prefix, const Blob *inputs, uint64_t *began,
                     char **text)
{
    size_t count = model->inout->outputs.count;
    Blob *outputs = calloc(count + 1, sizeof *outputs);
    Engine *engine = NULL;

    if (outputs == NULL)
        return refuse(E_BAD_ALLOC, "no memory for the times of a run");
    int status = model_make_engine(model, prefix, &engine);
    *began = now_ns();
    if (status == E_NONE)
        status = engine_run(engine, inputs, outputs);
    if (engine != NULL && (*text = take_file(engine)) == NULL && status == E_NONE)
        status = E_GE;
    engine_close(engine);
    free(outputs);
    return status;
}

int model_times(const Model *model, const Blob *inputs,
                void (*tell)(const OpTime *time, const void *to), const void *to)
{
    const char *temporary = getenv("TMPDIR");
    char folder[4096];
    char prefix[4200];
    char *text = NULL;
    uint64_t began = 0;

    snprintf(folder, sizeof folder, "%s/aclfake-XXXXXX", temporary != NULL ? temporary : "/tmp");
    if (mkdtemp(folder) == NULL)
        return refuse(E_GE, "no folder %s can be made for the times of a run", folder);
    snprintf(prefix, sizeof prefix, "%s/run", folder);
    int status = run_timed(model, prefix, inputs, &began, &text);
    if (status == E_NONE)
        status = tell_all(text, began, tell, to);
    free(text);
    remove_folder(folder);
    return status;
}
