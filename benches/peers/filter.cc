// Overlap-save by a peer, one core: PEER FORMAT TAPS FFT_LEN SAMPLES. For every line on the standard input it runs one
// round and prints a line: million samples a second. Outputs are held against the direct sum first.
//
// Compiled once for each peer, with -DGNURADIO, -DGNURADIO_FLOWGRAPH, -DLIQUID, -DMKL or -DIPP.
#include <chrono>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <sys/mman.h>
#include <vector>

#if defined(GNURADIO)
#include <gnuradio/filter/fft_filter.h>
#include <volk/volk.h>
#elif defined(GNURADIO_FLOWGRAPH)
#include <gnuradio/blocks/interleaved_short_to_complex.h>
#include <gnuradio/filter/fft_filter_ccc.h>
#include <gnuradio/io_signature.h>
#include <gnuradio/sync_block.h>
#include <gnuradio/top_block.h>
#include <cstring>
#elif defined(LIQUID)
#include <liquid/liquid.h>
#elif defined(MKL)
#include <mkl_dfti.h>
#include <mkl_vml.h>
#elif defined(IPP)
#include <ipp.h>
#endif

using sample = std::complex<float>;

static uint32_t state = 1;
static uint32_t number() {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

// Memory that begins at a multiple of so many bytes.
template <class T, size_t boundary> struct Aligned {
    using value_type = T;
    template <class U> struct rebind { using other = Aligned<U, boundary>; };
    static constexpr size_t page = size_t(2) << 20;
    T* allocate(size_t n) {
        const size_t size = (n * sizeof(T) + boundary - 1) / boundary * boundary;
        void* memory = std::aligned_alloc(boundary, size);
        if (!memory) throw std::bad_alloc();
        if (boundary == page) madvise(memory, size, MADV_HUGEPAGE);
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, size_t) { std::free(memory); }
    bool operator==(const Aligned&) const { return true; }
    bool operator!=(const Aligned&) const { return false; }
};

// In large pages where the system has some, and at a cache line, as Rangegate's side has it.
template <class T> using Pages = std::vector<T, Aligned<T, size_t(2) << 20>>;
template <class T> using Lines = std::vector<T, Aligned<T, 64>>;

struct Work {
    bool integers;
    size_t n_taps, fft_len, n_samples;
    std::vector<sample> taps;
    Pages<sample> in, out;
    Pages<int16_t> stored;
};

// One round over all samples; how many of them it took.
using Round = std::function<size_t()>;

#if defined(GNURADIO)
// What the block fft_filter_ccc runs, without its scheduler.
static Round plan(Work& work) {
    auto filter = std::make_shared<gr::filter::kernel::fft_filter_ccc>(1, work.taps);
    const size_t block = filter->set_taps(work.taps);
    auto buffer = std::make_shared<Lines<sample>>(block);
    return [&work, filter, block, buffer] {
        const size_t n = work.n_samples / block * block;
        if (!work.integers) {
            filter->filter(n, work.in.data(), work.out.data());
            return n;
        }
        for (size_t at = 0; at < n; at += block) {
            volk_16i_s32f_convert_32f(reinterpret_cast<float*>(buffer->data()), work.stored.data() + 2 * at, 32768.0f,
                                      2 * block);
            filter->filter(block, buffer->data(), work.out.data() + at);
        }
        return n;
    };
}
#elif defined(GNURADIO_FLOWGRAPH)
// Items of a memory into a flowgraph, once.
struct FromMemory : gr::sync_block {
    const char* items;
    size_t size, n, at = 0;
    FromMemory(const void* items, size_t size, size_t n)
        : sync_block("from_memory", gr::io_signature::make(0, 0, 0), gr::io_signature::make(1, 1, size)),
          items(static_cast<const char*>(items)), size(size), n(n) {}
    int work(int n_wanted, gr_vector_const_void_star&, gr_vector_void_star& out) override {
        const size_t count = std::min<size_t>(n_wanted, n - at);
        if (count == 0) return WORK_DONE;
        std::memcpy(out[0], items + at * size, count * size);
        at += count;
        return count;
    }
};

// What comes out of a flowgraph into a memory.
struct ToMemory : gr::sync_block {
    sample* items;
    size_t at = 0;
    explicit ToMemory(sample* items)
        : sync_block("to_memory", gr::io_signature::make(1, 1, sizeof(sample)), gr::io_signature::make(0, 0, 0)),
          items(items) {}
    int work(int n, gr_vector_const_void_star& in, gr_vector_void_star&) override {
        std::memcpy(items + at, in[0], n * sizeof(sample));
        at += n;
        return n;
    }
};

static Round plan_of(Work& work, int buffer) {
    return [&work, buffer] {
        auto graph = gr::make_top_block("peer");
        auto filter = gr::filter::fft_filter_ccc::make(1, work.taps);
        auto sink = gnuradio::make_block_sptr<ToMemory>(work.out.data());
        if (buffer > 0) filter->set_min_output_buffer(buffer);
        if (work.integers) {
            auto source = gnuradio::make_block_sptr<FromMemory>(work.stored.data(), sizeof(int16_t), work.stored.size());
            auto convert = gr::blocks::interleaved_short_to_complex::make(false, false, 32768.0f);
            if (buffer > 0) source->set_min_output_buffer(2 * buffer), convert->set_min_output_buffer(buffer);
            graph->connect(source, 0, convert, 0);
            graph->connect(convert, 0, filter, 0);
        } else {
            auto source = gnuradio::make_block_sptr<FromMemory>(work.in.data(), sizeof(sample), work.in.size());
            if (buffer > 0) source->set_min_output_buffer(buffer);
            graph->connect(source, 0, filter, 0);
        }
        graph->connect(filter, 0, sink, 0);
        graph->run();
        return sink->at;
    };
}

static double rate(const Round& round);

static Round plan(Work& work) {
    Round best;
    double best_rate = 0;
    for (int buffer : {0, 1 << 15, 1 << 17}) {
        Round round = plan_of(work, buffer);
        const double found = rate(round);
        if (found > best_rate) best_rate = found, best = round;
    }
    return best;
}
#elif defined(LIQUID)
// Real taps: liquid-dsp has no fftfilt of complex ones with a header of its own before 1.5.
static Round plan_of(Work& work, size_t block) {
    auto real = std::make_shared<Lines<float>>();
    for (sample& tap : work.taps) {
        tap = tap.real();
        real->push_back(tap.real());
    }
    std::shared_ptr<fftfilt_crcf_s> filter(fftfilt_crcf_create(real->data(), real->size(), block), fftfilt_crcf_destroy);
    auto buffer = std::make_shared<Lines<sample>>(block);
    return [&work, real, filter, block, buffer] {
        const size_t n = work.n_samples / block * block;
        for (size_t at = 0; at < n; at += block) {
            sample* in = work.in.data() + at;
            if (work.integers) {
                for (size_t k = 0; k < block; ++k)
                    (*buffer)[k] = sample(work.stored[2 * (at + k)], work.stored[2 * (at + k) + 1]) / 32768.0f;
                in = buffer->data();
            }
            fftfilt_crcf_execute(filter.get(), in, work.out.data() + at);
        }
        return n;
    };
}

static double rate(const Round& round);

static Round plan(Work& work) {
    Round best;
    double best_rate = 0;
    for (size_t factor = 1; factor <= 16; factor *= 2) {
        Round round = plan_of(work, factor * work.n_taps);
        rate(round);
        const double found = rate(round);
        if (found > best_rate) best_rate = found, best = round;
    }
    return best;
}
#else
// One block, in cache, again and again: transform, times a spectrum, back; no overlap, no conversion.
static Round repeated(Work& work, std::function<void()> block) {
    return [&work, block] {
        const size_t n_times = std::max<size_t>(work.n_samples / work.fft_len, 1);
        for (size_t k = 0; k < n_times; ++k) block();
        return n_times * (work.fft_len - work.n_taps + 1);
    };
}
#if defined(MKL)
static Round plan(Work& work) {
    DFTI_DESCRIPTOR_HANDLE handle;
    const MKL_LONG n = work.fft_len;
    if (DftiCreateDescriptor(&handle, DFTI_SINGLE, DFTI_COMPLEX, 1, n) || DftiSetValue(handle, DFTI_THREAD_LIMIT, 1) ||
        DftiSetValue(handle, DFTI_PLACEMENT, DFTI_NOT_INPLACE) ||
        DftiSetValue(handle, DFTI_BACKWARD_SCALE, 1.0 / n) || DftiCommitDescriptor(handle))
        std::exit(2);
    auto spectrum = std::make_shared<Lines<sample>>(n), bins = std::make_shared<Lines<sample>>(n);
    Lines<sample> padded(work.taps.begin(), work.taps.end());
    padded.resize(n);
    DftiComputeForward(handle, padded.data(), spectrum->data());
    return repeated(work, [&work, handle, spectrum, bins, n] {
        DftiComputeForward(handle, work.in.data(), bins->data());
        sample *x = bins->data(), *h = spectrum->data();
        for (MKL_LONG k = 0; k < n; ++k) {
            const float re = x[k].real() * h[k].real() - x[k].imag() * h[k].imag();
            const float im = x[k].real() * h[k].imag() + x[k].imag() * h[k].real();
            x[k] = sample(re, im);
        }
        DftiComputeBackward(handle, x, work.out.data());
    });
}
#elif defined(IPP)
static Round plan(Work& work) {
    ippInit();
    const int n = work.fft_len;
    int order = 0, size = 0, size_init = 0, size_work = 0;
    while ((1 << order) < n) ++order;
    ippsFFTGetSize_C_32fc(order, IPP_FFT_DIV_INV_BY_N, ippAlgHintNone, &size, &size_init, &size_work);
    Ipp8u* memory = ippsMalloc_8u(size + 64);
    Ipp8u* init = ippsMalloc_8u(size_init + 64);
    Ipp8u* scratch = ippsMalloc_8u(size_work + 64);
    IppsFFTSpec_C_32fc* spec;
    if (ippsFFTInit_C_32fc(&spec, order, IPP_FFT_DIV_INV_BY_N, ippAlgHintNone, memory, init)) std::exit(2);
    auto spectrum = std::make_shared<Lines<sample>>(n), bins = std::make_shared<Lines<sample>>(n);
    Lines<sample> padded(work.taps.begin(), work.taps.end());
    padded.resize(n);
    auto* h = reinterpret_cast<Ipp32fc*>(spectrum->data());
    ippsFFTFwd_CToC_32fc(reinterpret_cast<Ipp32fc*>(padded.data()), h, spec, scratch);
    return repeated(work, [&work, spec, scratch, spectrum, bins, n, h] {
        auto* x = reinterpret_cast<Ipp32fc*>(bins->data());
        ippsFFTFwd_CToC_32fc(reinterpret_cast<Ipp32fc*>(work.in.data()), x, spec, scratch);
        ippsMul_32fc_I(h, x, n);
        ippsFFTInv_CToC_32fc(x, reinterpret_cast<Ipp32fc*>(work.out.data()), spec, scratch);
    });
}
#endif
#endif

static double rate(const Round& round) {
    const auto begin = std::chrono::steady_clock::now();
    const size_t n = round();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    return n / time.count() * 1e-6;
}

// Whether outputs are the direct sum.
static bool is_right(const Work& work) {
    for (size_t at : {work.n_taps - 1, work.n_taps + 7, work.fft_len - 1}) {
        std::complex<double> sum = 0;
        for (size_t k = 0; k < work.n_taps; ++k)
            sum += std::complex<double>(work.taps[k]) * std::complex<double>(work.in[at - k]);
        if (std::abs(sum - std::complex<double>(work.out[at])) > 1e-4) {
            std::fprintf(stderr, "output %zu is %g%+gj, the direct sum %g%+gj\n", at, work.out[at].real(),
                         work.out[at].imag(), sum.real(), sum.imag());
            return false;
        }
    }
    return true;
}

int main(int argc, char** argv) {
    if (argc != 5) return std::fprintf(stderr, "FORMAT TAPS FFT_LEN SAMPLES\n"), 2;
    Work work{std::string(argv[1]) == "cs16", std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10),
              std::strtoul(argv[4], nullptr, 10), {}, {}, {}, {}};
    const float size = 1 / std::sqrt(float(work.n_taps));
    for (size_t k = 0; k < work.n_taps; ++k) work.taps.push_back(std::polar(size, 2.5f * k * k / work.n_taps));
    work.in.resize(work.n_samples);
    work.out.resize(work.n_samples);
    work.stored.reserve(work.integers ? 2 * work.n_samples : 0);
    for (sample& x : work.in) {
        const auto re = int16_t(number()), im = int16_t(number());
        x = sample(re, im) / 32768.0f;
        if (work.integers) work.stored.insert(work.stored.end(), {re, im});
    }
    const Round round = plan(work);
    round();
    // A filter with memory begins anew only once.
    if (!is_right(work)) {
        round();
        return 1;
    }
    for (std::string line; std::getline(std::cin, line);) std::printf("%.3f\n", rate(round)), std::fflush(stdout);
}
