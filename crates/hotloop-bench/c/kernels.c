/* The workloads in plain C, the yardstick for the compiled kernels. One function per workload and element type, named
   <workload>_<type>, on one thread. Vectorising is left to the compiler, except in the Mandelbrot loop, which
   compilers do not vectorise and which is written with vector types of VBYTES bytes. */
#include <math.h>
#include <stdint.h>

#ifndef VBYTES
#define VBYTES 16
#endif

typedef struct arguments {
    int64_t n;
    int64_t m;
    int32_t threads;
    int32_t flags;
    const void *in[6];
    void *out[4];
    double s[8];
} arguments;

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define F(name) JOIN(name, TYPE)

#define REAL float
#define WHOLE int32_t
#define TYPE f32
#define M(name) name##f
#include "workloads.inc"
#undef REAL
#undef WHOLE
#undef TYPE
#undef M

#define REAL double
#define WHOLE int64_t
#define TYPE f64
#define M(name) name
#include "workloads.inc"

static inline uint32_t mix32(uint32_t x) {
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

static inline uint64_t mix64(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

int hash_u32(arguments *a) {
    const uint32_t *restrict x = a->in[0];
    uint32_t *restrict to = a->out[0];
    for (int64_t i = 0; i < a->n; i++) to[i] = mix32(mix32(x[i]) + 0x9e3779b9u);
    return 0;
}

int hash_u64(arguments *a) {
    const uint64_t *restrict x = a->in[0];
    uint64_t *restrict to = a->out[0];
    for (int64_t i = 0; i < a->n; i++) to[i] = mix64(mix64(x[i]) + 0x9e3779b97f4a7c15u);
    return 0;
}
