#include "calibration/cuda/gpu_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernels.h"
#include "calibration/measure/statistics.h"

namespace planewise::calibration {
namespace {

/// A copy that runs on SMs of its own while it lives, as communication does.
class Neighbour {
 public:
  explicit Neighbour(int sms) : sms_(sms), memory_(2 * kBytes) {
    PW_CUDA(cudaHostAlloc(reinterpret_cast<void**>(&stop_), sizeof *stop_, cudaHostAllocMapped));
    PW_CUDA(cudaMemset(memory_.as<void>(), 0, memory_.size()));
  }
  ~Neighbour() {
    stop();
    cudaFreeHost(stop_);
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  void start() {
    set(0);
    auto* from = memory_.as<uint4>();
    copy_until({.from = from,
                .to = from + kBytes / sizeof(uint4),
                .count = static_cast<std::int64_t>(kBytes / sizeof(uint4)),
                .blocks = sms_,
                .stop = stop_},
               stream_.get());
  }
  void stop() {
    set(1);
    cudaStreamSynchronize(stream_.get());
  }

 private:
  static constexpr std::size_t kBytes = 256'000'000;  // beyond any L2

  void set(int value) { *static_cast<volatile int*>(stop_) = value; }

  int sms_;
  Stream stream_;
  Buffer memory_;
  int* stop_ = nullptr;  ///< The copy reads it again and again.
};

class GpuBench : public Bench {
 public:
  GpuBench(GpuWork work, int neighbour_sms, const Device& device)
      : work_(std::move(work)), clock_khz_(device.clock_khz()) {
    if (neighbour_sms > 0) neighbour_ = std::make_unique<Neighbour>(neighbour_sms);
  }

  std::vector<CheckResult> check(std::uint64_t seed) override {
    work_.fill(seed, stream_.get());
    work_.poison(stream_.get());
    work_.launch(0, stream_.get());
    stream_.synchronise();
    return work_.compare(seed, stream_.get());
  }

  /// Each time is that of a graph over all sets, divided by their number.
  std::vector<Seconds> run(int count) override {
    if (!is_captured_) capture();
    while (events_.size() < static_cast<std::size_t>(count) + 1) events_.emplace_back();
    if (neighbour_) neighbour_->start();
    // All launches are in the queue before the first is let go.
    constexpr std::int64_t kMicrosecondsALaunch = 8;
    hold(clock_khz_ * kMicrosecondsALaunch * (count + 4) / 1000, stream_.get());
    events_.front().record(stream_);
    for (int i = 1; i <= count; ++i) {
      graph_.launch(stream_);
      events_[static_cast<std::size_t>(i)].record(stream_);
    }
    stream_.synchronise();
    if (neighbour_) neighbour_->stop();
    std::vector<Seconds> times;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      times.push_back(seconds(events_[i + 1].seconds_since(events_[i])) / work_.sets);
    }
    return times;
  }

  std::string implementation() const override { return work_.implementation; }
  std::string proxy() const override { return work_.proxy; }
  int kernels() const override { return work_.kernels; }

 private:
  void capture() {
    // What a first launch loads or chooses cannot be captured.
    for (int set = 0; set < work_.sets; ++set) work_.launch(set, stream_.get());
    stream_.synchronise();
    GraphCapture capture(stream_);
    for (int set = 0; set < work_.sets; ++set) work_.launch(set, stream_.get());
    graph_ = capture.finish();
    is_captured_ = true;
  }

  GpuWork work_;
  std::int64_t clock_khz_ = 0;
  Stream stream_;
  Graph graph_;
  bool is_captured_ = false;
  std::vector<Event> events_;
  std::unique_ptr<Neighbour> neighbour_;
};

bool all_hold(const std::vector<CheckResult>& checks) {
  return std::all_of(checks.begin(), checks.end(),
                     [](const CheckResult& check) { return check.holds(); });
}

/// The median time of a call of a bench that was checked, of a few replays.
Seconds trial_time(Bench& bench) {
  constexpr int kReplays = 5;
  bench.run(1);
  std::vector<double> times;
  for (const Seconds time : bench.run(kReplays)) times.push_back(time.in(seconds(1)));
  return seconds(median(std::move(times)));
}

class BestBench : public Bench {
 public:
  BestBench(std::vector<GpuWork> works, const Measurement& measurement, const Device& device)
      : works_(std::move(works)), measurement_(measurement), device_(device) {}

  std::vector<CheckResult> check(std::uint64_t seed) override {
    std::vector<CheckResult> kept;
    std::optional<Seconds> fastest;
    best_.reset();
    wrong_.clear();
    works_.front().fill(seed, stream_.get());
    for (const GpuWork& work : works_) {
      work.poison(stream_.get());
      work.launch(0, stream_.get());
      stream_.synchronise();
      std::vector<CheckResult> checks = work.compare(seed, stream_.get());
      if (!all_hold(checks)) {
        wrong_ += (wrong_.empty() ? "" : ", ") + work.implementation;
        if (kept.empty()) kept = std::move(checks);
        continue;
      }
      std::unique_ptr<Bench> bench = make_gpu_bench(work, measurement_, device_);
      const Seconds time = works_.size() == 1 ? Seconds{} : trial_time(*bench);
      if (fastest && time >= *fastest) continue;
      fastest = time;
      kept = std::move(checks);
      best_ = std::move(bench);
    }
    return kept;
  }

  std::vector<Seconds> run(int count) override {
    PW_CHECK(best_ != nullptr);
    return best_->run(count);
  }
  std::string implementation() const override {
    if (!best_) return wrong_.empty() ? works_.front().implementation : wrong_;
    if (wrong_.empty()) return best_->implementation();
    return fmt::format("{} ({}: wrong results)", best_->implementation(), wrong_);
  }
  std::string proxy() const override { return works_.front().proxy; }
  int kernels() const override { return best_ ? best_->kernels() : works_.front().kernels; }

 private:
  std::vector<GpuWork> works_;
  Measurement measurement_;
  const Device& device_;
  Stream stream_;
  std::unique_ptr<Bench> best_;
  std::string wrong_{};
};

}  // namespace

std::unique_ptr<Bench> make_gpu_bench(GpuWork work, const Measurement& measurement,
                                      const Device& device) {
  const bool has_neighbour = measurement.beside == spec::Beside::communication;
  PW_CHECK(!has_neighbour || (measurement.sms > 0 && measurement.sms < device.sms()));
  const int neighbour_sms = has_neighbour ? device.sms() - measurement.sms : 0;
  return std::make_unique<GpuBench>(std::move(work), neighbour_sms, device);
}

std::unique_ptr<Bench> make_best_bench(std::vector<GpuWork> works, const Measurement& measurement,
                                       const Device& device) {
  PW_CHECK(!works.empty());
  return std::make_unique<BestBench>(std::move(works), measurement, device);
}

}  // namespace planewise::calibration
