#include "image/colour.h"

#include <math.h>

enum { BITS = 16 };

/* A standard: the shares of red and blue in luma; wide or narrow. */
typedef struct Standard {
    double red;
    double blue;
    bool narrow;
} Standard;

static const Standard standards[MATRICES] = {
    {0.299, 0.114, false},  {0.299, 0.114, true},    {0.2126, 0.0722, false},
    {0.2126, 0.0722, true}, {0.2627, 0.0593, false}, {0.2627, 0.0593, true},
};

/* Three sums of three products, in 1/65536. */
typedef struct Matrix {
    int32_t factor[3][3];
} Matrix;

static int32_t fixed(double value)
{
    return (int32_t)lrint(value * (1 << BITS));
}

static Matrix to_rgb(const Standard *standard)
{
    double green = 1 - standard->red - standard->blue;
    double luma = standard->narrow ? 255.0 / 219 : 1;
    double chroma = standard->narrow ? 255.0 / 224 : 1;
    double red = 2 * (1 - standard->red) * chroma;
    double blue = 2 * (1 - standard->blue) * chroma;
    Matrix made = {
        {{fixed(luma), 0, fixed(red)},
         {fixed(luma), fixed(-blue * standard->blue / green), fixed(-red * standard->red / green)},
         {fixed(luma), fixed(blue), 0}}};

    return made;
}

static Matrix to_yuv(const Standard *standard)
{
    double green = 1 - standard->red - standard->blue;
    double luma = standard->narrow ? 219.0 / 255 : 1;
    double chroma = standard->narrow ? 224.0 / 255 : 1;
    double u = chroma / (2 * (1 - standard->blue));
    double v = chroma / (2 * (1 - standard->red));
    Matrix made = {
        {{fixed(luma * standard->red), fixed(luma * green), fixed(luma * standard->blue)},
         {fixed(-u * standard->red), fixed(-u * green), fixed(chroma / 2)},
         {fixed(chroma / 2), fixed(-v * green), fixed(-v * standard->blue)}}};

    return made;
}

static unsigned char clamped(int32_t sum)
{
    int32_t value = (sum + (1 << (BITS - 1))) >> BITS;

    return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* What a model's components are when there is no light. */
static void black(ColourModel model, const Standard *standard, int32_t bias[3])
{
    bias[0] = model == MODEL_YUV && standard->narrow ? 16 : 0;
    bias[1] = bias[2] = model == MODEL_YUV ? 128 : 0;
}

void colour_convert(View *view, unsigned matrix)
{
    const Standard *standard = &standards[matrix];
    ColourModel target = view->model == MODEL_YUV ? MODEL_RGB : MODEL_YUV;
    Matrix made = target == MODEL_RGB ? to_rgb(standard) : to_yuv(standard);
    size_t count = (size_t)view->width * view->height;
    int32_t before[3];
    int32_t after[3];

    black(view->model, standard, before);
    black(target, standard, after);
    for (size_t at = 0; at < count; at++) {
        int32_t pixel[3];
        for (int i = 0; i < 3; i++)
            pixel[i] = view->component[i].at[at] - before[i];
        for (int i = 0; i < 3; i++) {
            const int32_t *factor = made.factor[i];
            int32_t sum = factor[0] * pixel[0] + factor[1] * pixel[1] + factor[2] * pixel[2];
            view->component[i].at[at] = clamped(sum + after[i] * (1 << BITS));
        }
    }
    view->model = target;
}
