// What SoapySDR wants to be C++: a class with virtual functions, and a static object that registers it. Every
// function hands on to boundary.rs, which catches its own panics; errors come back as text and are thrown here.

#include <SoapySDR/Constants.h>
#include <SoapySDR/Device.hpp>
#include <SoapySDR/Errors.h>
#include <SoapySDR/Modules.hpp>
#include <SoapySDR/Registry.hpp>
#include <cstdint>
#include <sstream>
#include <stdexcept>

// As in boundary.rs.
extern "C" {
struct RangegateRadio;
struct RangegatePair { const char *key; const char *value; };
struct RangegateRange { double minimum, maximum, step; };

// A text that is given is freed with rangegate_text_free. What returns `char *` returns an error, or null.
void rangegate_text_free(char *text);
char *rangegate_find(const RangegatePair *pairs, size_t n_pairs, char **found);
char *rangegate_open(const RangegatePair *pairs, size_t n_pairs, RangegateRadio **radio);
void rangegate_close(RangegateRadio *radio);
char *rangegate_text(const RangegateRadio *radio, uint32_t what, size_t channel, const char *name, char **text);
char *rangegate_set_text(const RangegateRadio *radio, uint32_t what, size_t channel, const char *text);
char *rangegate_number(const RangegateRadio *radio, uint32_t what, size_t channel, const char *name, double *number);
char *rangegate_set_number(
    const RangegateRadio *radio, uint32_t what, size_t channel, const char *name, double number);
char *rangegate_ranges(
    const RangegateRadio *radio, uint32_t what, size_t channel, const char *name, RangegateRange *ranges,
    size_t capacity, size_t *n_ranges);
char *rangegate_time(const RangegateRadio *radio, int64_t *nanos);
char *rangegate_set_time(const RangegateRadio *radio, int64_t nanos);
char *rangegate_setup(const RangegateRadio *radio, const char *format, const size_t *channels, size_t n_channels);
void rangegate_close_stream(const RangegateRadio *radio);
int rangegate_activate(const RangegateRadio *radio, int flags, int64_t nanos, size_t n_samples);
int rangegate_deactivate(const RangegateRadio *radio);
int rangegate_read(
    const RangegateRadio *radio, void *const *buffers, size_t n_samples, int *flags, int64_t *nanos,
    int64_t timeout_us);
}

namespace {

// As in boundary.rs, in this order.
enum What : uint32_t {
    HARDWARE_INFO, FORMATS, NATIVE_FORMAT, FULL_SCALE, N_CHANNELS, MTU, ANTENNAS, ANTENNA, GAINS, GAIN,
    FREQUENCY, RATE, BANDWIDTH, TIME_SOURCES, TIME_SOURCE, HAS_TIME, SENSORS, SENSOR
};

static_assert(SOAPY_SDR_RX == 1 && SOAPY_SDR_END_BURST == 2 && SOAPY_SDR_HAS_TIME == 4, "as in boundary.rs");
static_assert(SOAPY_SDR_TIMEOUT == -1 && SOAPY_SDR_STREAM_ERROR == -2 && SOAPY_SDR_OVERFLOW == -4
    && SOAPY_SDR_NOT_SUPPORTED == -5 && SOAPY_SDR_TIME_ERROR == -6, "as in boundary.rs");

std::string take(char *text)
{
    const std::string taken(text ? text : "");
    rangegate_text_free(text);
    return taken;
}

void check(char *error)
{
    if (error) throw std::runtime_error(take(error));
}

std::vector<std::string> lines(const std::string &text)
{
    std::vector<std::string> all;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
}

SoapySDR::Kwargs pairs(const std::string &text)
{
    SoapySDR::Kwargs all;
    for (const auto &line : lines(text)) {
        const auto equals = line.find('=');
        if (equals != std::string::npos) all[line.substr(0, equals)] = line.substr(equals + 1);
    }
    return all;
}

// Points into `args`, which must outlive it.
std::vector<RangegatePair> borrowed(const SoapySDR::Kwargs &args)
{
    std::vector<RangegatePair> all;
    for (const auto &arg : args) all.push_back({arg.first.c_str(), arg.second.c_str()});
    return all;
}

class RangegateDevice : public SoapySDR::Device
{
public:
    explicit RangegateDevice(const SoapySDR::Kwargs &args) : radio(nullptr)
    {
        const auto given = borrowed(args);
        check(rangegate_open(given.data(), given.size(), &radio));
    }
    ~RangegateDevice() override { rangegate_close(radio); }
    RangegateDevice(const RangegateDevice &) = delete;
    RangegateDevice &operator=(const RangegateDevice &) = delete;

    std::string getDriverKey() const override { return "rangegate"; }
    std::string getHardwareKey() const override { return "rangegate-soapy-sim"; }
    SoapySDR::Kwargs getHardwareInfo() const override { return pairs(text(HARDWARE_INFO)); }
    size_t getNumChannels(const int direction) const override
    {
        return direction == SOAPY_SDR_RX ? size_t(number(N_CHANNELS)) : 0;
    }
    bool getFullDuplex(const int, const size_t) const override { return false; }

    // Streams: one at a time, so the device is its handle.

    std::vector<std::string> getStreamFormats(const int direction, const size_t channel) const override
    {
        return list(FORMATS, direction, channel);
    }
    std::string getNativeStreamFormat(const int direction, const size_t channel, double &full_scale) const override
    {
        receives(direction);
        full_scale = number(FULL_SCALE, channel);
        return text(NATIVE_FORMAT, channel);
    }
    SoapySDR::Stream *setupStream(
        const int direction, const std::string &format, const std::vector<size_t> &channels,
        const SoapySDR::Kwargs &) override
    {
        receives(direction);
        const std::vector<size_t> used = channels.empty() ? std::vector<size_t>{0} : channels;
        check(rangegate_setup(radio, format.c_str(), used.data(), used.size()));
        return reinterpret_cast<SoapySDR::Stream *>(this);
    }
    void closeStream(SoapySDR::Stream *) override { rangegate_close_stream(radio); }
    size_t getStreamMTU(SoapySDR::Stream *) const override { return size_t(number(MTU)); }
    int activateStream(
        SoapySDR::Stream *, const int flags, const long long nanos, const size_t n_samples) override
    {
        return rangegate_activate(radio, flags, nanos, n_samples);
    }
    int deactivateStream(SoapySDR::Stream *, const int flags, const long long) override
    {
        return flags ? SOAPY_SDR_NOT_SUPPORTED : rangegate_deactivate(radio);
    }
    int readStream(
        SoapySDR::Stream *, void *const *buffers, const size_t n_samples, int &flags, long long &nanos,
        const long timeout_us) override
    {
        int64_t time = nanos;
        const int result = rangegate_read(radio, buffers, n_samples, &flags, &time, timeout_us);
        nanos = time;
        return result;
    }

    // Settings.

    std::vector<std::string> listAntennas(const int direction, const size_t channel) const override
    {
        return list(ANTENNAS, direction, channel);
    }
    void setAntenna(const int direction, const size_t channel, const std::string &name) override
    {
        receives(direction);
        check(rangegate_set_text(radio, ANTENNA, channel, name.c_str()));
    }
    std::string getAntenna(const int direction, const size_t channel) const override
    {
        return direction == SOAPY_SDR_RX ? text(ANTENNA, channel) : "";
    }
    using SoapySDR::Device::setGain;
    using SoapySDR::Device::getGain;
    using SoapySDR::Device::getGainRange;
    std::vector<std::string> listGains(const int direction, const size_t channel) const override
    {
        return list(GAINS, direction, channel);
    }
    void setGain(const int direction, const size_t channel, const std::string &name, const double value) override
    {
        set(GAIN, direction, channel, name, value);
    }
    double getGain(const int direction, const size_t channel, const std::string &name) const override
    {
        return get(GAIN, direction, channel, name);
    }
    SoapySDR::Range getGainRange(const int direction, const size_t channel, const std::string &name) const override
    {
        const auto found = ranges(GAIN, direction, channel, name);
        return found.empty() ? SoapySDR::Range() : found.front();
    }
    using SoapySDR::Device::setFrequency;
    using SoapySDR::Device::getFrequency;
    using SoapySDR::Device::getFrequencyRange;
    std::vector<std::string> listFrequencies(const int direction, const size_t) const override
    {
        return direction == SOAPY_SDR_RX ? std::vector<std::string>{"RF"} : std::vector<std::string>{};
    }
    void setFrequency(
        const int direction, const size_t channel, const std::string &name, const double value,
        const SoapySDR::Kwargs &) override
    {
        set(FREQUENCY, direction, channel, name, value);
    }
    double getFrequency(const int direction, const size_t channel, const std::string &name) const override
    {
        return get(FREQUENCY, direction, channel, name);
    }
    SoapySDR::RangeList getFrequencyRange(
        const int direction, const size_t channel, const std::string &name) const override
    {
        return ranges(FREQUENCY, direction, channel, name);
    }
    void setSampleRate(const int direction, const size_t channel, const double value) override
    {
        set(RATE, direction, channel, "", value);
    }
    double getSampleRate(const int direction, const size_t channel) const override
    {
        return get(RATE, direction, channel, "");
    }
    std::vector<double> listSampleRates(const int direction, const size_t channel) const override
    {
        std::vector<double> rates;
        for (const auto &range : getSampleRateRange(direction, channel)) {
            rates.push_back(range.minimum());
            if (range.maximum() > range.minimum()) rates.push_back(range.maximum());
        }
        return rates;
    }
    SoapySDR::RangeList getSampleRateRange(const int direction, const size_t channel) const override
    {
        return ranges(RATE, direction, channel, "");
    }
    void setBandwidth(const int direction, const size_t channel, const double value) override
    {
        set(BANDWIDTH, direction, channel, "", value);
    }
    double getBandwidth(const int direction, const size_t channel) const override
    {
        return get(BANDWIDTH, direction, channel, "");
    }
    SoapySDR::RangeList getBandwidthRange(const int direction, const size_t channel) const override
    {
        return ranges(BANDWIDTH, direction, channel, "");
    }

    // Time and sensors.

    std::vector<std::string> listTimeSources() const override { return lines(text(TIME_SOURCES)); }
    void setTimeSource(const std::string &name) override
    {
        check(rangegate_set_text(radio, TIME_SOURCE, 0, name.c_str()));
    }
    std::string getTimeSource() const override { return text(TIME_SOURCE); }
    bool hasHardwareTime(const std::string &what) const override { return what.empty() && number(HAS_TIME) > 0; }
    long long getHardwareTime(const std::string &what) const override
    {
        present(what);
        int64_t nanos = 0;
        check(rangegate_time(radio, &nanos));
        return nanos;
    }
    void setHardwareTime(const long long nanos, const std::string &what) override
    {
        present(what);
        check(rangegate_set_time(radio, nanos));
    }
    std::vector<std::string> listSensors() const override { return lines(text(SENSORS)); }
    SoapySDR::ArgInfo getSensorInfo(const std::string &key) const override
    {
        SoapySDR::ArgInfo info;
        info.key = key;
        info.value = readSensor(key);
        info.name = key;
        info.type = key == "lo_locked" ? SoapySDR::ArgInfo::BOOL : SoapySDR::ArgInfo::INT;
        return info;
    }
    std::string readSensor(const std::string &key) const override { return text(SENSOR, 0, key); }

private:
    RangegateRadio *radio;

    static void receives(const int direction)
    {
        if (direction != SOAPY_SDR_RX) throw std::runtime_error("rangegate: this radio only receives");
    }
    static void present(const std::string &what)
    {
        if (!what.empty()) throw std::runtime_error("rangegate: no hardware time '" + what + "', only the default one");
    }
    std::string text(const What what, const size_t channel = 0, const std::string &name = "") const
    {
        char *found = nullptr;
        check(rangegate_text(radio, what, channel, name.c_str(), &found));
        return take(found);
    }
    double number(const What what, const size_t channel = 0, const std::string &name = "") const
    {
        double found = 0;
        check(rangegate_number(radio, what, channel, name.c_str(), &found));
        return found;
    }
    std::vector<std::string> list(const What what, const int direction, const size_t channel) const
    {
        return direction == SOAPY_SDR_RX ? lines(text(what, channel)) : std::vector<std::string>{};
    }
    double get(const What what, const int direction, const size_t channel, const std::string &name) const
    {
        return direction == SOAPY_SDR_RX ? number(what, channel, name) : 0;
    }
    void set(
        const What what, const int direction, const size_t channel, const std::string &name, const double value)
    {
        receives(direction);
        check(rangegate_set_number(radio, what, channel, name.c_str(), value));
    }
    SoapySDR::RangeList ranges(
        const What what, const int direction, const size_t channel, const std::string &name) const
    {
        if (direction != SOAPY_SDR_RX) return {};
        size_t n_ranges = 0;
        check(rangegate_ranges(radio, what, channel, name.c_str(), nullptr, 0, &n_ranges));
        std::vector<RangegateRange> found(n_ranges);
        check(rangegate_ranges(radio, what, channel, name.c_str(), found.data(), n_ranges, &n_ranges));
        SoapySDR::RangeList list;
        for (const auto &range : found) list.emplace_back(range.minimum, range.maximum, range.step);
        return list;
    }
};

SoapySDR::KwargsList find(const SoapySDR::Kwargs &args)
{
    const auto given = borrowed(args);
    char *found = nullptr;
    check(rangegate_find(given.data(), given.size(), &found));
    const auto radio = pairs(take(found));
    return radio.empty() ? SoapySDR::KwargsList{} : SoapySDR::KwargsList{radio};
}

SoapySDR::Device *make(const SoapySDR::Kwargs &args)
{
    return new RangegateDevice(args);
}

const SoapySDR::ModuleVersion version(RANGEGATE_VERSION);
const SoapySDR::Registry registry("rangegate", &find, &make, SOAPY_SDR_ABI_VERSION);

} // namespace
