/*
 * A program that does what its words say, one after the other, and ends as
 * the last one says: what it leaves behind is told by the fake alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prelude.h"

#define KEPT 64

static void *memory[KEPT];
static size_t kept;

/* Not inlined, so that each has its place. */
__attribute__((noinline)) void take(void)
{
    if (aclrtMalloc(&memory[kept++ % KEPT], 4096, ACL_MEM_MALLOC_HUGE_FIRST) != 0)
        abort();
}

__attribute__((noinline)) void give(void *block)
{
    aclrtFree(block);
    __asm__ volatile("");   /* no tail call */
}

static void give_last(void)
{
    give(memory[--kept]);
}

/* It frees what was never allocated, times times. */
__attribute__((noinline)) void sin_often(int times)
{
    for (int i = 0; i < times; i++)
        give((void *)0x1230);
}

static void allocates(void *unused)
{
    void *host;

    (void)unused;
    if (aclrtMallocHost(&host, 64) == 0)
        aclrtFreeHost(host);
}

/* Host memory from within a callback is a warning, at each of the two calls. */
static void warn(void)
{
    aclrtStream stream;

    aclrtCreateStream(&stream);
    aclrtLaunchHostFunc(stream, allocates, NULL);
    aclrtSynchronizeStream(stream);
    aclrtDestroyStream(stream);
}

static void *never_ends(void *unused)
{
    (void)unused;
    for (;;)
        give((void *)0x1230);
    return NULL;
}

static void begin_thread(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, never_ends, NULL) != 0)
        abort();
}

/* The child does the rest of the words; the parent waits and ends well. */
static void begin_child(void)
{
    int status;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        return;
    waitpid(child, &status, 0);
    printf("child %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    exit(0);
}

static void handler_exits(int number)
{
    (void)number;
    exit(0);
}

static void lose_memory(void)
{
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_AS, &none);
    while (malloc(1 << 12) != NULL || malloc(64) != NULL || malloc(16) != NULL)
        ;
}

/* Its reader is gone. */
static void lose_stderr(void)
{
    int ends[2];

    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
        abort();
    close(ends[0]);
    close(ends[1]);
}

static void act(const char *word, const char *value)
{
    int number = value != NULL ? atoi(value) : 0;

    if (strcmp(word, "init") == 0) {
        aclInit(NULL);
        aclrtSetDevice(0);
    } else if (strcmp(word, "take") == 0)
        take();
    else if (strcmp(word, "give") == 0)
        give_last();
    else if (strcmp(word, "again") == 0)
        give(memory[0]);
    else if (strcmp(word, "sin") == 0)
        sin_often(number);
    else if (strcmp(word, "warn") == 0)
        warn();
    else if (strcmp(word, "reset") == 0)
        aclrtResetDevice(0);
    else if (strcmp(word, "finalize") == 0)
        aclFinalize();
    else if (strcmp(word, "atexit") == 0)
        atexit(give_last);
    else if (strcmp(word, "thread") == 0)
        begin_thread();
    else if (strcmp(word, "fork") == 0)
        begin_child();
    else if (strcmp(word, "starve") == 0)
        lose_memory();
    else if (strcmp(word, "unread") == 0)
        lose_stderr();
    else if (strcmp(word, "close") == 0)
        close(number);
    else if (strcmp(word, "print") == 0)
        printf("%s\n", value);
    else if (strcmp(word, "alarm") == 0) {
        signal(SIGALRM, handler_exits);
        ualarm(20000, 0);
        sin_often(1 << 30);
    } else if (strcmp(word, "exit") == 0)
        exit(number);
    else if (strcmp(word, "_exit") == 0)
        _exit(number);
    else if (strcmp(word, "quick_exit") == 0)
        quick_exit(number);
    else if (strcmp(word, "kill") == 0)
        kill(getpid(), number);
    else if (strcmp(word, "abort") == 0)
        abort();
    else
        exit(99);
}

int main(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        char *value = strchr(words[i], ':');
        if (value != NULL)
            *value++ = '\0';
        if (strcmp(words[i], "return") == 0)
            return atoi(value);
        act(words[i], value);
    }
    return 0;
}
