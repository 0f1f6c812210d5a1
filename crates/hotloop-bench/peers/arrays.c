/* The array programs of arrays.py in plain C, for gcc -O3 with and without -fopenmp. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static long clip(long i, long n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

void sobel(const uint8_t *p, uint8_t *out, long rows, long cols) {
#pragma omp parallel for
    for (long i = 0; i < rows; i++) {
        const uint8_t *a = p + clip(i - 1, rows) * cols, *b = p + i * cols, *c = p + clip(i + 1, rows) * cols;
        for (long j = 0; j < cols; j++) {
            long l = j > 0 ? j - 1 : 0, r = j < cols - 1 ? j + 1 : j;
            float across = ((float)a[r] + 2 * (float)b[r] + (float)c[r]) - ((float)a[l] + 2 * (float)b[l] + (float)c[l]);
            float down = ((float)c[l] + 2 * (float)c[j] + (float)c[r]) - ((float)a[l] + 2 * (float)a[j] + (float)a[r]);
            float size = sqrtf(across * across + down * down);
            out[i * cols + j] = size > 255 ? 255 : (uint8_t)size;
        }
    }
}

void softmax(const double *x, double *out, long rows, long cols) {
#pragma omp parallel for
    for (long i = 0; i < rows; i++) {
        const double *row = x + i * cols;
        double most = row[0], sum = 0;
        for (long j = 1; j < cols; j++) most = row[j] > most ? row[j] : most;
        for (long j = 0; j < cols; j++) sum += out[i * cols + j] = exp(row[j] - most);
        for (long j = 0; j < cols; j++) out[i * cols + j] /= sum;
    }
}

void jacobi(double *u, long rows, long cols, long steps) {
    double *next = calloc(rows * cols, sizeof *next);
    for (long step = 0; step < steps; step++) {
#pragma omp parallel for
        for (long i = 1; i < rows - 1; i++)
            for (long j = 1; j < cols - 1; j++)
                next[i * cols + j] = 0.25 * (u[(i - 1) * cols + j] + u[(i + 1) * cols + j] + u[i * cols + j - 1] + u[i * cols + j + 1]);
#pragma omp parallel for
        for (long i = 1; i < rows - 1; i++) memcpy(u + i * cols + 1, next + i * cols + 1, (cols - 2) * sizeof *u);
    }
    free(next);
}

void windows(const double *x, double *out, long n, long w) {
    double *upto = malloc((n + 1) * sizeof *upto);
    upto[0] = 0;
    for (long i = 0; i < n; i++) upto[i + 1] = upto[i] + x[i];
#pragma omp parallel for
    for (long i = 0; i < n - w + 1; i++) out[i] = (upto[i + w] - upto[i]) / w;
    free(upto);
}

void equalize(const uint8_t *p, uint8_t *out, long n) {
    long count[256] = {0}, upto[256], sum = 0, least = 255;
    uint8_t table[256];
    for (long i = 0; i < n; i++) count[p[i]]++;
    for (long v = 0; v < 256; v++) upto[v] = sum += count[v];
    for (long v = 255; v >= 0; v--) if (count[v]) least = v;
    double range = n - upto[least] > 1 ? n - upto[least] : 1;
    for (long v = 0; v < 256; v++) {
        double to = rint((upto[v] - upto[least]) / range * 255);
        table[v] = to < 0 ? 0 : to;
    }
#pragma omp parallel for
    for (long i = 0; i < n; i++) out[i] = table[p[i]];
}

void spmv(const int64_t *start, const int64_t *column, const double *value, const double *x, double *y, long rows) {
#pragma omp parallel for
    for (long i = 0; i < rows; i++) {
        double sum = 0;
        for (int64_t k = start[i]; k < start[i + 1]; k++) sum += value[k] * x[column[k]];
        y[i] = sum;
    }
}
