/*
 * recorded: a program that is linked with AscendCL, for traces.
 *
 *     recorded calls     a few calls, one of them refused
 *     recorded threads   eight threads with fifty calls each
 *     recorded fork      a process that forks before it calls anything; both call
 *     recorded dies      aborts behind its calls
 *     recorded leaves N  N children, one after the other, that leave by _exit behind one call
 *     recorded killed    is killed behind its calls, with a child that leaves by _exit
 *     recorded inside    forks within a call, in a callback; both go on
 *     recorded returns   the same, and the child comes out of the call when its parent did long ago
 *     recorded again     calls, and becomes the program "recorded calls"
 *     recorded closes    closes each descriptor from 3 on, opens a file of its own, and calls
 *     recorded many N    N threads that are all there at once
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acl/acl.h"

static void calls(void)
{
    void *memory = NULL;
    aclInit(NULL);
    aclrtSetDevice(0);
    aclrtMalloc(&memory, 4096, ACL_MEM_MALLOC_HUGE_FIRST);
    aclrtMemset(memory, 4096, 0, 4096);
    aclrtFree(NULL);
    aclrtFree(memory);
    aclrtResetDevice(0);
}

static void *fifty(void *nothing)
{
    for (int at = 0; at < 50; at++) {
        int64_t dims[] = {at, 2};
        aclDestroyTensorDesc(aclCreateTensorDesc(ACL_FLOAT, 2, dims, ACL_FORMAT_ND));
    }
    return nothing;
}

static pthread_barrier_t together;

static void *once(void *nothing)
{
    aclDataTypeSize(ACL_FLOAT);
    pthread_barrier_wait(&together);
    aclDataTypeSize(ACL_FLOAT16);
    return nothing;
}

static void many(unsigned count)
{
    pthread_t *threads = calloc(count, sizeof *threads);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 16);
    pthread_barrier_init(&together, NULL, count);
    for (unsigned at = 0; at < count; at++) {
        if (pthread_create(&threads[at], &small, once, NULL) != 0) {
            abort();
        }
    }
    for (unsigned at = 0; at < count; at++) {
        pthread_join(threads[at], NULL);
    }
    free(threads);
}

static pid_t forked = -1;
static int returns, later[2]; /* the child of "returns" waits for the end of this pipe */

static void forks(void *nothing)
{
    (void)nothing;
    forked = fork();
    aclDataTypeSize(ACL_FLOAT); /* inside the call in the parent, the first one of the child */
    if (forked == 0 && !returns) {
        _exit(0);
    }
    if (forked == 0) {
        char nothing_comes;
        close(later[1]);
        while (read(later[0], &nothing_comes, 1) > 0) {
        }
    }
}

static void *reports(void *nothing)
{
    pthread_barrier_wait(&together); /* it is subscribed */
    aclrtSetDevice(0);
    aclrtProcessReport(20000);
    if (forked == 0) {
        _exit(0);
    }
    for (int at = 0; returns && at < 2000; at++) {
        aclDataTypeSize(ACL_FLOAT); /* the slot is flushed, and written anew */
    }
    close(later[1]);
    waitpid(forked, NULL, 0);
    aclrtResetDevice(0);
    return nothing;
}

static void inside(void)
{
    pthread_t reporter;
    aclrtStream stream = NULL;
    if (pipe(later) != 0) {
        abort();
    }
    aclInit(NULL);
    aclrtSetDevice(0);
    aclrtCreateStream(&stream);
    pthread_barrier_init(&together, NULL, 2);
    pthread_create(&reporter, NULL, reports, NULL);
    aclrtSubscribeReport((uint64_t)reporter, stream);
    pthread_barrier_wait(&together);
    aclrtLaunchCallback(forks, NULL, ACL_CALLBACK_BLOCK, stream);
    pthread_join(reporter, NULL);
    aclrtUnSubscribeReport((uint64_t)reporter, stream);
    aclrtDestroyStream(stream);
    aclrtResetDevice(0);
    aclFinalize();
}

static void closes(const char *path)
{
    for (int at = 3; at < 100; at++) {
        close(at);
    }
    FILE *file = fopen(path, "w");
    for (int at = 0; at < 2000; at++) {
        aclDataTypeSize(ACL_FLOAT);
    }
    fputs("its own\n", file);
    fclose(file);
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";
    if (strcmp(what, "threads") == 0) {
        pthread_t threads[8];
        for (int at = 0; at < 8; at++) {
            pthread_create(&threads[at], NULL, fifty, NULL);
        }
        for (int at = 0; at < 8; at++) {
            pthread_join(threads[at], NULL);
        }
        return 0;
    }
    if (strcmp(what, "fork") == 0) {
        pid_t child = fork();
        calls();
        return child == 0 ? 0 : waitpid(child, NULL, 0) != child;
    }
    if (strcmp(what, "leaves") == 0) {
        for (int at = 0; at < atoi(words[2]); at++) {
            pid_t child = fork();
            if (child == 0) {
                aclDataTypeSize(ACL_FLOAT);
                _exit(0);
            }
            waitpid(child, NULL, 0);
        }
        return 0;
    }
    if (strcmp(what, "many") == 0) {
        many((unsigned)atoi(words[2]));
        return 0;
    }
    if (strcmp(what, "inside") == 0 || strcmp(what, "returns") == 0) {
        returns = strcmp(what, "returns") == 0;
        inside();
        return 0;
    }
    if (strcmp(what, "closes") == 0) {
        closes(words[2]);
        return 0;
    }
    calls();
    if (strcmp(what, "dies") == 0) {
        abort();
    }
    if (strcmp(what, "again") == 0) {
        execl(words[0], words[0], "calls", (char *)NULL);
    }
    if (strcmp(what, "killed") == 0) {
        pid_t child = fork();
        calls();
        if (child == 0) {
            _exit(0);
        }
        waitpid(child, NULL, 0);
        kill(getpid(), SIGKILL);
    }
    return 3;
}
