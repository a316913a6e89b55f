#include "bench_baseline.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <new>
#include <vector>

#include <cblas.h>

#include "mcbe/domain.h"

namespace
{

class stopwatch
{
  public:
    double seconds() const
    {
        return std::chrono::duration<double>(clock::now() - start_).count();
    }

  private:
    using clock = std::chrono::steady_clock;
    clock::time_point start_ = clock::now();
};

/* Points 0 .. of the iid design, one a row of x, as doubles on the unit sphere. */
class points
{
  public:
    points(int n, const mcbe_stream_key_t &key)
        : n_(n), width_(mcbe_domain_block_size(n)), key_(key),
          block_(static_cast<size_t>(n) * static_cast<size_t>(width_)),
          scale_(static_cast<size_t>(width_))
    {
    }

    int width() const
    {
        return width_;
    }

    void fill(int64_t block, double *x)
    {
        key_.block = block;
        mcbe_domain_fill(&sphere_, n_, &key_, block_.data(), scale_.data());
        for (int k = 0; k < n_; k++) {
            const float *row = block_.data() + static_cast<ptrdiff_t>(k) * width_;
            for (int s = 0; s < width_; s++) {
                x[static_cast<ptrdiff_t>(s) * n_ + k] =
                    static_cast<double>(row[s]) * scale_[static_cast<size_t>(s)];
            }
        }
    }

  private:
    int n_, width_;
    mcbe_stream_key_t key_;
    mcbe_domain_t sphere_ = {MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, 1.0, 0.0, 0, nullptr};
    std::vector<float> block_;
    std::vector<double> scale_;
};

/* alpha_j = min(alpha_j, c_j) for the n largest c_j. @param work [m] */
void lower(int n, const double *c, std::vector<double> &work, double *alpha)
{
    const size_t m = work.size();
    std::copy_n(c, m, work.begin());
    std::nth_element(work.begin(), work.begin() + (n - 1), work.end(), std::greater<double>());
    const double limit = work[static_cast<size_t>(n) - 1];
    for (size_t j = 0; j < m; j++) {
        alpha[j] = c[j] >= limit ? std::min(alpha[j], c[j]) : alpha[j];
    }
}

double select(const mcbe_frame_t &frame, const mcbe_stream_key_t &key, int64_t samples, int width,
              double *alpha)
{
    const int m = frame.m, n = frame.n;
    points source(n, key);
    const int chunk = std::max(width, source.width());
    std::vector<double> x(static_cast<size_t>(chunk) * static_cast<size_t>(n));
    std::vector<double> products(static_cast<size_t>(width) * static_cast<size_t>(m));
    std::vector<double> work(static_cast<size_t>(m));
    std::fill_n(alpha, m, std::numeric_limits<double>::infinity());
    const stopwatch watch;
    for (int64_t start = 0; start < samples; start += chunk) {
        for (int s = 0; s < chunk; s += source.width()) {
            source.fill((start + s) / source.width(), x.data() + static_cast<ptrdiff_t>(s) * n);
        }
        for (int first = 0; first < chunk; first += width) {
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, width, m, n, 1.0,
                        x.data() + static_cast<ptrdiff_t>(first) * n, n, frame.w, n, 0.0,
                        products.data(), m);
            for (int s = 0; s < width; s++) {
                lower(n, products.data() + static_cast<ptrdiff_t>(s) * m, work, alpha);
            }
        }
    }
    return watch.seconds();
}

void product(const std::vector<float> &w, const std::vector<float> &x, std::vector<float> &c, int m,
             int width, int n)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, width, n, 1.0F, w.data(), n, x.data(),
                width, 0.0F, c.data(), width);
}

void product(const std::vector<double> &w, const std::vector<double> &x, std::vector<double> &c,
             int m, int width, int n)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, width, n, 1.0, w.data(), n, x.data(),
                width, 0.0, c.data(), width);
}

template <typename real>
double multiply(const mcbe_frame_t &frame, const mcbe_stream_key_t &key, int width, int64_t calls)
{
    const size_t m = static_cast<size_t>(frame.m), n = static_cast<size_t>(frame.n);
    const size_t points = static_cast<size_t>(width);
    std::vector<float> normals(n * points);
    mcbe_rng_t rng;
    mcbe_rng_init(&rng, &key);
    mcbe_rng_normals(&rng, normals.data(), normals.size());
    std::vector<real> w(m * n), x(normals.begin(), normals.end()), c(m * points);
    std::transform(frame.w, frame.w + m * n, w.begin(),
                   [](double entry) { return static_cast<real>(entry); });
    product(w, x, c, frame.m, width, frame.n);
    const stopwatch watch;
    for (int64_t i = 0; i < calls; i++) {
        product(w, x, c, frame.m, width, frame.n);
    }
    return watch.seconds();
}

} // namespace

mcbe_status_t mcbe_baseline_selection(const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                      int64_t samples, int width, double *alpha, double *seconds)
{
    try {
        *seconds = select(*frame, *key, samples, width, alpha);
        return MCBE_OK;
    } catch (const std::bad_alloc &) {
        return MCBE_ERR_NOMEM;
    }
}

mcbe_status_t mcbe_baseline_products(const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                     int single, int width, int64_t calls, double *seconds)
{
    try {
        *seconds = single ? multiply<float>(*frame, *key, width, calls)
                          : multiply<double>(*frame, *key, width, calls);
        return MCBE_OK;
    } catch (const std::bad_alloc &) {
        return MCBE_ERR_NOMEM;
    }
}
