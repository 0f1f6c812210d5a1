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

void life(const uint8_t *cells, uint8_t *out, long rows, long cols, long turns) {
    uint8_t *now = malloc(rows * cols), *next = malloc(rows * cols), *other;
    memcpy(now, cells, rows * cols);
    for (long turn = 0; turn < turns; turn++) {
#pragma omp parallel for
        for (long i = 0; i < rows; i++) {
            const uint8_t *a = now + (i + rows - 1) % rows * cols, *b = now + i * cols, *c = now + (i + 1) % rows * cols;
            for (long j = 0; j < cols; j++) {
                long l = j > 0 ? j - 1 : cols - 1, r = j < cols - 1 ? j + 1 : 0;
                uint8_t around = a[l] + a[j] + a[r] + b[l] + b[r] + c[l] + c[j] + c[r];
                next[i * cols + j] = (around == 3) | ((b[j] == 1) & (around == 2));
            }
        }
        other = now, now = next, next = other;
    }
    memcpy(out, now, rows * cols);
    free(now), free(next);
}

void heat(double *t, long n0, long n1, long n2, long steps) {
    double *next = malloc(n0 * n1 * n2 * sizeof *next);
    for (long step = 0; step < steps; step++) {
#pragma omp parallel for
        for (long i = 1; i < n0 - 1; i++)
            for (long j = 1; j < n1 - 1; j++)
                for (long k = 1; k < n2 - 1; k++) {
                    const double *p = t + (i * n1 + j) * n2 + k;
                    next[(i * n1 + j) * n2 + k] = *p + 0.125 * (p[-n1 * n2] + p[n1 * n2] + p[-n2] + p[n2] + p[-1] + p[1] - 6 * *p);
                }
#pragma omp parallel for
        for (long i = 1; i < n0 - 1; i++)
            for (long j = 1; j < n1 - 1; j++) memcpy(t + (i * n1 + j) * n2 + 1, next + (i * n1 + j) * n2 + 1, (n2 - 2) * sizeof *t);
    }
    free(next);
}

static void nearest(const double *points, const double *centers, int64_t *cluster, long n, long k) {
#pragma omp parallel for
    for (long i = 0; i < n; i++) {
        double best = INFINITY;
        long where = 0;
        for (long c = 0; c < k; c++) {
            double x = points[2 * i] - centers[2 * c], y = points[2 * i + 1] - centers[2 * c + 1];
            if (x * x + y * y < best) best = x * x + y * y, where = c;
        }
        cluster[i] = where;
    }
}

void kmeans(const double *points, const double *first, int64_t *cluster, long n, long k, long turns) {
    double *centers = malloc(2 * k * sizeof *centers), *sums = malloc(2 * k * sizeof *sums), *counts = malloc(k * sizeof *counts);
    memcpy(centers, first, 2 * k * sizeof *centers);
    for (long turn = 0; turn < turns; turn++) {
        nearest(points, centers, cluster, n, k);
        memset(sums, 0, 2 * k * sizeof *sums), memset(counts, 0, k * sizeof *counts);
        for (long i = 0; i < n; i++) {
            sums[2 * cluster[i]] += points[2 * i];
            sums[2 * cluster[i] + 1] += points[2 * i + 1];
            counts[cluster[i]] += 1;
        }
        for (long c = 0; c < k; c++)
            if (counts[c] > 0) centers[2 * c] = sums[2 * c] / counts[c], centers[2 * c + 1] = sums[2 * c + 1] / counts[c];
    }
    nearest(points, centers, cluster, n, k);
    free(centers), free(sums), free(counts);
}

void correlation(const double *x, double *out, long rows, long cols) {
    double *d = malloc(rows * cols * sizeof *d), *mean = calloc(cols, sizeof *mean), *length = calloc(cols, sizeof *length);
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < cols; j++) mean[j] += x[i * cols + j];
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < cols; j++) {
            d[i * cols + j] = x[i * cols + j] - mean[j] / rows;
            length[j] += d[i * cols + j] * d[i * cols + j];
        }
#pragma omp parallel for
    for (long j = 0; j < cols; j++) {
        for (long k = 0; k < cols; k++) out[j * cols + k] = 0;
        for (long i = 0; i < rows; i++)
            for (long k = 0; k < cols; k++) out[j * cols + k] += d[i * cols + j] * d[i * cols + k];
        for (long k = 0; k < cols; k++) out[j * cols + k] /= sqrt(length[j]) * sqrt(length[k]);
    }
    free(d), free(mean), free(length);
}

static long mirror(long i, long n) { return i < 0 ? -1 - i : i >= n ? 2 * n - 1 - i : i; }

void unsharp(const uint8_t *p, uint8_t *out, long rows, long cols, float amount) {
    float *half = malloc(rows * cols * sizeof *half);
#pragma omp parallel for
    for (long i = 0; i < rows; i++) {
        const uint8_t *a = p + mirror(i - 2, rows) * cols, *b = p + mirror(i - 1, rows) * cols, *c = p + i * cols;
        const uint8_t *d = p + mirror(i + 1, rows) * cols, *e = p + mirror(i + 2, rows) * cols;
        for (long j = 0; j < cols; j++) half[i * cols + j] = ((float)a[j] + 4 * (float)b[j] + 6 * (float)c[j] + 4 * (float)d[j] + (float)e[j]) / 16;
    }
#pragma omp parallel for
    for (long i = 0; i < rows; i++) {
        const float *h = half + i * cols;
        for (long j = 0; j < cols; j++) {
            float soft = (h[mirror(j - 2, cols)] + 4 * h[mirror(j - 1, cols)] + 6 * h[j] + 4 * h[mirror(j + 1, cols)] + h[mirror(j + 2, cols)]) / 16;
            float here = p[i * cols + j], sharp = rintf(here + amount * (here - soft));
            out[i * cols + j] = sharp < 0 ? 0 : sharp > 255 ? 255 : (uint8_t)sharp;
        }
    }
    free(half);
}

void react(double *u, double *v, long rows, long cols, double feed, double kill, long steps) {
    size_t bytes = rows * cols * sizeof *u;
    double *nu = malloc(bytes), *nv = malloc(bytes);
    for (long step = 0; step < steps; step++) {
#pragma omp parallel for
        for (long i = 0; i < rows; i++) {
            long a = clip(i - 1, rows) * cols, b = i * cols, c = clip(i + 1, rows) * cols;
            for (long j = 0; j < cols; j++) {
                long l = j > 0 ? j - 1 : 0, r = j < cols - 1 ? j + 1 : j;
                double here = u[b + j], there = v[b + j], reacted = here * there * there;
                double su = u[a + j] + u[c + j] + u[b + l] + u[b + r] - 4 * here, sv = v[a + j] + v[c + j] + v[b + l] + v[b + r] - 4 * there;
                nu[b + j] = here + (0.16 * su - reacted + feed * (1 - here));
                nv[b + j] = there + (0.08 * sv + reacted - (feed + kill) * there);
            }
        }
        memcpy(u, nu, bytes), memcpy(v, nv, bytes);
    }
    free(nu), free(nv);
}

void means(const double *x, double *out, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++) out[i] = (sum += x[i]) / (i + 1);
}

void charge(const double *place, double *out, long n, long cells) {
    memset(out, 0, cells * sizeof *out);
    for (long i = 0; i < n; i++) {
        double floored = floor(place[i]), near = place[i] - floored;
        long left = ((long)floored % cells + cells) % cells;
        out[left] += 1 - near;
        out[(left + 1) % cells] += near;
    }
}
