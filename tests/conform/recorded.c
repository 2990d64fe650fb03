/*
 * recorded: a program that is linked with AscendCL, for traces.
 *
 *     recorded calls     a few calls, one of them refused
 *     recorded threads   eight threads with fifty calls each
 *     recorded fork      a process that forks before it calls anything; both call
 *     recorded dies      aborts behind its calls
 */
#include <pthread.h>
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
    calls();
    if (strcmp(what, "dies") == 0) {
        abort();
    }
    return 3;
}
