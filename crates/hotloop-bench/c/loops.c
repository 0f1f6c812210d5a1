/* The programs of loops in plain C, as one writes them: nothing is vectorised by hand. Each takes its arrays, then the
   extents of all arrays in order, and its numbers. */
#include <math.h>
#include <stdint.h>

#define ARGS void **p, const int64_t *e, const int64_t *s
#define D(i) ((double *)p[i])
#define I(i) ((int64_t *)p[i])

static double least(double a, double b) { return a < b ? a : b; }

void floyd_warshall(ARGS) {
    double *d = D(0);
    int64_t n = e[0];
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) d[i * n + j] = least(d[i * n + j], d[i * n + k] + d[k * n + j]);
}

void lu(ARGS) {
    double *a = D(0);
    int64_t n = e[0];
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = k + 1; i < n; i++) {
            double f = a[i * n + k] / a[k * n + k];
            a[i * n + k] = f;
            for (int64_t j = k + 1; j < n; j++) a[i * n + j] -= f * a[k * n + j];
        }
}

void gram_schmidt(ARGS) {
    double *a = D(0), *r = D(1);
    int64_t m = e[0], n = e[1];
    for (int64_t k = 0; k < n; k++) {
        double norm2 = 0;
        for (int64_t i = 0; i < m; i++) norm2 += a[i * n + k] * a[i * n + k];
        r[k * n + k] = sqrt(norm2);
        for (int64_t i = 0; i < m; i++) a[i * n + k] /= r[k * n + k];
        for (int64_t j = k + 1; j < n; j++) {
            double t = 0;
            for (int64_t i = 0; i < m; i++) t += a[i * n + k] * a[i * n + j];
            r[k * n + j] = t;
            for (int64_t i = 0; i < m; i++) a[i * n + j] -= a[i * n + k] * t;
        }
    }
}

void triple(ARGS) {
    double *a = D(0), *b = D(1), *c = D(2);
    int64_t n = e[0];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double t = 0;
            for (int64_t k = 0; k < n; k++) t += a[i * n + k] * b[k * n + j];
            c[i * n + j] = t;
        }
}

void nussinov(ARGS) {
    uint8_t *seq = p[0];
    int32_t *best = p[1];
    int64_t n = e[0], w = n + 1;
    for (int64_t i = n - 1; i >= 0; i--)
        for (int64_t j = i + 2; j <= n; j++) {
            int32_t most = best[(i + 1) * w + j - 1] + ((uint8_t)(seq[i] + seq[j - 1]) == 3);
            for (int64_t k = i + 1; k < j; k++) {
                int32_t t = best[i * w + k] + best[k * w + j];
                most = t > most ? t : most;
            }
            best[i * w + j] = most;
        }
}

void adi(ARGS) {
    double *u = D(0), *v = D(1), *p_ = D(2), *q = D(3);
    int64_t n = e[0];
    double a = -0.25, b = 1.5, c = -0.25;
    for (int64_t t = 0; t < s[0]; t++)
        for (int64_t i = 1; i < n - 1; i++) {
            v[i] = 1;
            p_[i * n] = 0;
            q[i * n] = 1;
            for (int64_t j = 1; j < n - 1; j++) {
                p_[i * n + j] = -c / (a * p_[i * n + j - 1] + b);
                q[i * n + j] = (0.25 * u[j * n + i - 1] + 0.5 * u[j * n + i] + 0.25 * u[j * n + i + 1]
                    - a * q[i * n + j - 1]) / (a * p_[i * n + j - 1] + b);
            }
            v[(n - 1) * n + i] = 1;
            for (int64_t j = n - 2; j > 0; j--) v[j * n + i] = p_[i * n + j] * v[(j + 1) * n + i] + q[i * n + j];
        }
}

void seidel(ARGS) {
    double *a = D(0);
    int64_t n = e[0], m = e[1];
    for (int64_t t = 0; t < s[0]; t++)
        for (int64_t i = 1; i < n - 1; i++)
            for (int64_t j = 1; j < m - 1; j++)
                a[i * m + j] = (a[(i - 1) * m + j - 1] + a[(i - 1) * m + j] + a[(i - 1) * m + j + 1]
                    + a[i * m + j - 1] + a[i * m + j] + a[i * m + j + 1] + a[(i + 1) * m + j - 1]
                    + a[(i + 1) * m + j] + a[(i + 1) * m + j + 1]) / 9.0;
}

void durbin(ARGS) {
    double *r = D(0), *y = D(1), *z = D(2);
    int64_t n = e[0];
    y[0] = -r[0];
    double beta = 1, alpha = -r[0];
    for (int64_t k = 1; k < n; k++) {
        beta = (1 - alpha * alpha) * beta;
        double t = 0;
        for (int64_t i = 0; i < k; i++) t += r[k - i - 1] * y[i];
        alpha = -(r[k] + t) / beta;
        for (int64_t i = 0; i < k; i++) z[i] = y[i] + alpha * y[k - i - 1];
        for (int64_t i = 0; i < k; i++) y[i] = z[i];
        y[k] = alpha;
    }
}

void deriche(ARGS) {
    double *x = D(0), *left = D(1), *right = D(2);
    int64_t w = e[0], h = e[1];
    double a1 = 0.375, a2 = -0.25, a3 = 0.125, b1 = 1.25, b2 = -0.5;
    for (int64_t i = 0; i < w; i++) {
        double y1 = 0, y2 = 0, x1 = 0;
        for (int64_t j = 0; j < h; j++) {
            left[i * h + j] = a1 * x[i * h + j] + a2 * x1 + b1 * y1 + b2 * y2;
            x1 = x[i * h + j];
            y2 = y1;
            y1 = left[i * h + j];
        }
        double z1 = 0, z2 = 0, w1 = 0, w2 = 0;
        for (int64_t j = h - 1; j >= 0; j--) {
            right[i * h + j] = a3 * w1 + a2 * w2 + b1 * z1 + b2 * z2;
            w2 = w1;
            w1 = x[i * h + j];
            z2 = z1;
            z1 = right[i * h + j];
        }
        for (int64_t j = 0; j < h; j++) left[i * h + j] = left[i * h + j] + right[i * h + j];
    }
}

void kmeans(ARGS) {
    double *points = D(0), *centers = D(1), *sums = D(2);
    int64_t *counts = I(3), *label = I(4), n = e[0], dims = e[1], k = e[2];
    for (int64_t c = 0; c < k; c++) {
        counts[c] = 0;
        for (int64_t d = 0; d < dims; d++) sums[c * dims + d] = 0;
    }
    for (int64_t i = 0; i < n; i++) {
        double best = INFINITY;
        for (int64_t c = 0; c < k; c++) {
            double distance = 0;
            for (int64_t d = 0; d < dims; d++) {
                double t = points[i * dims + d] - centers[c * dims + d];
                distance += t * t;
            }
            if (distance < best) {
                best = distance;
                label[i] = c;
            }
        }
        int64_t mine = label[i];
        counts[mine] += 1;
        for (int64_t d = 0; d < dims; d++) sums[mine * dims + d] += points[i * dims + d];
    }
}

void monte_carlo(ARGS) {
    uint64_t state = 1;
    int64_t inside = 0;
    for (int64_t i = 0; i < s[0]; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double x = (double)(int64_t)(state >> 11) * 0x1p-53;
        state = state * 6364136223846793005u + 1442695040888963407u;
        double y = (double)(int64_t)(state >> 11) * 0x1p-53;
        if (x * x + y * y <= 1) inside += 1;
    }
    I(0)[0] = inside;
}

void insertion(ARGS) {
    double *a = D(0);
    for (int64_t i = 1; i < e[0]; i++) {
        double x = a[i];
        int64_t j = i;
        while (j > 0 && a[j - 1] > x) {
            a[j] = a[j - 1];
            j--;
        }
        a[j] = x;
    }
}

static void sift(double *a, int64_t root, int64_t end) {
    while (2 * root + 1 < end) {
        int64_t child = 2 * root + 1;
        if (child + 1 < end && a[child] < a[child + 1]) child++;
        if (a[root] >= a[child]) break;
        double t = a[root];
        a[root] = a[child];
        a[child] = t;
        root = child;
    }
}

void heap_sort(ARGS) {
    double *a = D(0);
    int64_t n = e[0];
    for (int64_t start = n / 2 - 1; start >= 0; start--) sift(a, start, n);
    for (int64_t end = n - 1; end > 0; end--) {
        double t = a[0];
        a[0] = a[end];
        a[end] = t;
        sift(a, 0, end);
    }
}

void prefix_sums(ARGS) {
    int64_t *a = I(0), *t = I(1), n = e[0], m = e[1], w = m + 1;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++)
            t[(i + 1) * w + j + 1] = a[i * m + j] + t[i * w + j + 1] + t[(i + 1) * w + j] - t[i * w + j];
}

void levenshtein(ARGS) {
    uint8_t *a = p[0], *b = p[1];
    int64_t *row = I(2), n = e[0], m = e[1];
    for (int64_t j = 0; j <= m; j++) row[j] = j;
    for (int64_t i = 0; i < n; i++) {
        int64_t diagonal = row[0];
        row[0] = i + 1;
        for (int64_t j = 0; j < m; j++) {
            int64_t above = row[j + 1];
            int64_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            int64_t other = (above < row[j] ? above : row[j]) + 1;
            row[j + 1] = changed < other ? changed : other;
            diagonal = above;
        }
    }
}

void triangle(ARGS) {
    double *a = D(0), *out = D(1);
    int64_t n = e[0];
    for (int64_t i = 0; i < n; i++) {
        double t = 0;
        for (int64_t j = 0; j <= i; j++)
            for (int64_t u = 0; u < 8; u++) t = 0.5 * t + a[i * n + j];
        out[i] = t;
    }
}

void escape_rows(ARGS) {
    int64_t *out = I(0), n = e[0], m = e[1];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) {
            double cr = -2.0 + 2.5 * (double)j / (double)m, ci = -1.25 + 1.25 * (double)i / (double)n;
            double zr = 0, zi = 0;
            int64_t k = 0;
            while (k < s[0] && zr * zr + zi * zi <= 4.0) {
                double t = zr * zr - zi * zi + cr;
                zi = 2.0 * zr * zi + ci;
                zr = t;
                k++;
            }
            out[i * m + j] = k;
        }
}
