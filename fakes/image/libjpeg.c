#include "image/libjpeg.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/locks.h"
#include "call/settings.h"
#include "image/library.h"

static struct {
    pthread_mutex_t lock;
    bool opened;
    char setting[sizeof settings.libjpeg];
    Libjpeg jpeg;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static bool open_locked(void)
{
    const ImageLibrary wanted = {"libjpeg", settings.libjpeg, "ACL_FAKE_LIBJPEG",
                                 "libjpeg-*.so.62*", "libjpeg.so.62"};
    Libjpeg *jpeg = &state.jpeg;
    const ImageSymbol symbols[] = {
#define F(name, result, parameters) {"jpeg_" #name, &jpeg->name},
        LIBJPEG_FUNCTIONS(F)
#undef F
    };

    if (state.opened && strcmp(state.setting, settings.libjpeg) == 0)
        return true;
    state.opened = image_library_open(&wanted, symbols, sizeof symbols / sizeof symbols[0]);
    memcpy(state.setting, settings.libjpeg, sizeof state.setting);
    return state.opened;
}

const Libjpeg *libjpeg_open(void)
{
    pthread_mutex_lock(&state.lock);
    bool opened = open_locked();
    pthread_mutex_unlock(&state.lock);
    return opened ? &state.jpeg : NULL;
}

/* Every codec begins with the address of its errors, which begin a trap. */
static JpegTrap *trap_of(void *codec)
{
    return *(JpegTrap **)codec;
}

static void keep_text(void *codec)
{
    JpegTrap *trap = trap_of(codec);

    trap->errors.format_message(codec, trap->text);
}

static void leave(void *codec)
{
    keep_text(codec);
    longjmp(trap_of(codec)->back, 1);
}

/* Level -1 is a warning: the file is damaged. */
static void emit(void *codec, int level)
{
    JpegTrap *trap = trap_of(codec);

    if (level < 0 && trap->errors.warnings++ == 0)
        keep_text(codec);
}

void jpeg_trap(const Libjpeg *jpeg, JpegTrap *trap)
{
    jpeg->std_error(&trap->errors);
    trap->errors.error_exit = leave;
    trap->errors.emit_message = emit;
    trap->errors.output_message = keep_text;
    trap->text[0] = '\0';
}
