/*
 * sharing: memory and events that a second process has, too.
 *
 * The second process is this program again. A thread sends it a key; it
 * imports the memory, reads, writes, closes, and answers with a byte. It also
 * exports a block of its own, which all threads here import at once.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak.h"

enum { KEY = 65, SIZE = 4096, ANYBODY = 1, OWN = 42, IPC = 0x40 };

/* What is asked of the second process; an empty key asks for its own. */
typedef struct Question {
    char key[KEY];
    unsigned char value;
} Question;

static struct {
    pthread_mutex_t lock;
    int to;
    int from;
    pid_t process;
    char key[KEY];              /* of the second process's memory */
    atomic_ullong count;
} second = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void send_all(int file, const void *bytes, size_t size)
{
    if (write(file, bytes, size) != (ssize_t)size)
        fail("bytes written", 0, (double)size);
}

/* False: the other end is closed. */
static int receive_all(int file, void *bytes, size_t size)
{
    size_t got = 0;

    while (got < size) {
        ssize_t now = read(file, (char *)bytes + got, size - got);
        if (now <= 0)
            return 0;
        got += (size_t)now;
    }
    return 1;
}

static void *block_of(unsigned char value)
{
    void *memory = NULL;

    must(aclrtMalloc(&memory, SIZE, ACL_MEM_MALLOC_NORMAL_ONLY), "malloc");
    must(aclrtMemset(memory, SIZE, value, SIZE), "memset");
    return memory;
}

static void must_hold(void *memory, unsigned char value)
{
    unsigned char host[SIZE];

    must(aclrtMemcpy(host, SIZE, memory, SIZE, ACL_MEMCPY_DEVICE_TO_HOST),
         "copy out");
    for (size_t i = 0; i < SIZE; i++)
        if (host[i] != value)
            fail("shared byte", host[i], value);
}

int sharing_second(void)
{
    Question question;
    char own[KEY] = "";

    must(aclInit(NULL), "init");
    must(aclrtSetDevice(0), "set device");
    void *memory = block_of(OWN);
    must(aclrtIpcMemGetExportKey(memory, SIZE, own, KEY, ANYBODY), "export");
    send_all(STDOUT_FILENO, own, KEY);
    while (receive_all(STDIN_FILENO, &question, sizeof question)) {
        void *shared = NULL;
        must(aclrtIpcMemImportByKey(&shared, question.key, 0), "import");
        must_hold(shared, question.value);
        question.value++;
        must(aclrtMemset(shared, SIZE, question.value, SIZE), "memset");
        must(aclrtIpcMemClose(question.key), "close import");
        send_all(STDOUT_FILENO, &question.value, 1);
    }
    must(aclrtIpcMemClose(own), "close export");
    must(aclrtFree(memory), "free");
    return 0;
}

void sharing_begin(char *program)
{
    int to[2];
    int from[2];
    char *words[] = {program, (char *)"second", NULL};

    if (pipe(to) != 0 || pipe(from) != 0)
        fail("pipes", 0, 2);
    second.process = fork();
    if (second.process == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        for (int file = 3; file < 64; file++)
            close(file);
        execv("/proc/self/exe", words);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    second.to = to[1];
    second.from = from[0];
    if (!receive_all(second.from, second.key, KEY))
        fail("a key of the second process", 0, 1);
}

void sharing_end(void)
{
    int status = 0;

    close(second.to);
    if (waitpid(second.process, &status, 0) != second.process || status != 0)
        fail("status of the second process", status, 0);
    close(second.from);
    printf("%llu blocks were shared\n", atomic_load(&second.count));
}

/* A block there and back. */
static void lend(unsigned char value)
{
    Question question = {.value = value};
    unsigned char answer = 0;
    void *memory = block_of(value);

    must(aclrtIpcMemGetExportKey(memory, SIZE, question.key, KEY, ANYBODY),
         "export");
    pthread_mutex_lock(&second.lock);
    send_all(second.to, &question, sizeof question);
    int answered = receive_all(second.from, &answer, 1);
    pthread_mutex_unlock(&second.lock);
    if (!answered || answer != (unsigned char)(value + 1))
        fail("answer of the second process", answer, value + 1);
    must_hold(memory, answer);
    must(aclrtIpcMemClose(question.key), "close export");
    must(aclrtFree(memory), "free");
}

/* All threads import one key, and close it, as they come. */
static void borrow(void)
{
    void *memory = NULL;

    must(aclrtIpcMemImportByKey(&memory, second.key, 0), "import");
    must(aclrtIpcMemClose(second.key), "close import");
}

static void mark(void)
{
    aclrtEvent event = NULL;
    aclrtStream stream = NULL;
    aclrtIpcEventHandle handle;

    must(aclrtCreateEventExWithFlag(&event, IPC), "create event");
    must(aclrtIpcGetEventHandle(event, &handle), "handle");
    must(aclrtCreateStream(&stream), "create stream");
    must(aclrtRecordEvent(event, stream), "record");
    must(aclrtStreamWaitEvent(stream, event), "wait");
    must(aclrtSynchronizeEvent(event), "synchronise event");
    must(aclrtSynchronizeStream(stream), "synchronise stream");
    must(aclrtDestroyStream(stream), "destroy stream");
    must(aclrtDestroyEvent(event), "destroy event");
}

void sharing_step(unsigned *seed)
{
    int dice = rand_r(seed) % 3;

    if (dice == 0)
        lend((unsigned char)(rand_r(seed) % 200));
    else if (dice == 1)
        borrow();
    else
        mark();
    atomic_fetch_add(&second.count, 1);
}
