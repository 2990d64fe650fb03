/*
 * What the recorder of lock_order.h must stop, and what not: each word is a
 * program. Compiled behind it, as the fake is.
 */
#include <stdio.h>
#include <string.h>

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t second = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t third = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t signal = PTHREAD_COND_INITIALIZER;

static void nest(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
    pthread_mutex_lock(outer);
    pthread_mutex_lock(inner);
    pthread_mutex_unlock(inner);
    pthread_mutex_unlock(outer);
}

static void *nest_in_order(void *unused)
{
    nest(&first, &second);
    return unused;
}

/* One thread after the other: nothing hangs, and the order is wrong. */
static void cycle(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, nest_in_order, NULL);
    pthread_join(thread, NULL);
    nest(&second, &first);
}

static void longer(void)
{
    nest(&first, &second);
    nest(&second, &third);
    nest(&third, &first);
}

static void twice(void)
{
    nest(&first, &first);
}

static void await(void)
{
    static const struct timespec past = {1, 0};

    pthread_cond_timedwait(&signal, &second, &past);
}

/* A wait gives back its own lock, so what is taken meanwhile is no edge. */
static void order(void)
{
    nest(&first, &second);
    nest(&first, &third);
    nest(&second, &third);
    pthread_mutex_lock(&second);
    await();
    pthread_mutex_unlock(&second);
    pthread_mutex_lock(&first);
    pthread_mutex_lock(&second);
    pthread_mutex_unlock(&first);
    pthread_mutex_unlock(&second);
    pthread_mutex_lock(&third);
    if (pthread_mutex_trylock(&first) == 0)
        pthread_mutex_unlock(&first);
    pthread_mutex_unlock(&third);
    lock_order_none("all is given back");
}

static void wait_under(void)
{
    pthread_mutex_lock(&first);
    pthread_mutex_lock(&second);
    await();
}

static void join_under(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, nest_in_order, NULL);
    pthread_mutex_lock(&third);
    pthread_join(thread, NULL);
}

static void call_under(void)
{
    pthread_mutex_lock(&third);
    lock_order_none("a callback under a lock");
}

int main(int count, char **words)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } programs[] = {
        {"order", order}, {"cycle", cycle}, {"longer", longer},
        {"twice", twice}, {"wait", wait_under}, {"join", join_under},
        {"call", call_under},
    };

    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (count == 2 && strcmp(words[1], programs[i].name) == 0) {
            programs[i].run();
            puts("ended well");
            return 0;
        }
    return 2;
}
