// A run as a trace that Perfetto (ui.perfetto.dev) and chrome://tracing show, written while the
// step runs.
//
// Form: the JSON object form of the "Trace Event Format". A process is a stage, a thread a rank, or
// a class of equal ranks under its first one's number. Slices of a thread follow each other without
// a gap from 0 to its end, within one slice a slot of the schedule: compute blocks, exchanges that
// the rank waits for, waiting for an exchange's last member, waiting for a message. A rank that
// computes beside its exchanges has a further thread for each queue that it does so with: exchanges
// from their beginning to the end of the rank's part, waited for or not. An arrow leads to a wait
// for a message from its sender. Counters show the load of the busiest link of each kind.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "simulate/link_loads.h"
#include "simulate/observer.h"

namespace planewise::report {

struct TraceOptions {
  std::string title{};
  std::vector<int> ranks{};  ///< Of the job. Empty: the first of each stage.
  bool all_ranks = false;    ///< Every rank, or class of ranks, that is driven.
};

class Trace final : public simulate::Observer {
 public:
  /// Takes the file piece by piece; it is complete after run_ended().
  using Sink = std::function<void(std::string_view)>;
  Trace(TraceOptions options, Sink sink) : options_(std::move(options)), sink_(std::move(sink)) {}

  void run_began(const simulate::System& system) override;
  void carried(const simulate::Carried& part) override { loads_.carried(part); }
  void transfer_ended(const simulate::TransferEnd& end) override;
  void part_ended(const simulate::PartEvent& part) override;
  void step_ended(const simulate::StepEvent& step) override;
  void run_ended(Seconds step_time) override;

 private:
  struct Slice {
    std::string_view name;  // as JSON text without quotes
    const char* category = "";
    Seconds began{};
    Seconds ended{};
  };
  /// Where a slice goes, and the phase that it names.
  struct Place {
    int process = 0;
    int thread = 0;
    workload::Phase phase = workload::Phase::forward_1f;
  };

  /// The slot that a rank is in.
  struct OpenSlot {
    std::size_t slot = 0;
    workload::Phase phase = workload::Phase::forward_1f;
    Seconds began{};
    Seconds ended{};
  };

  void choose_ranks();
  void add_to_slot(const simulate::StepEvent& step);
  void write_slot(int rank);
  void write_names();
  void write_queue_names(int rank);
  void write(const std::string& event);
  void write_part(const simulate::PartEvent& part, const Place& place, Seconds since);
  void write_slice(const Place& place, const Slice& slice);
  void write_arrow(const simulate::StepEvent& receive);
  void write_counters();
  int stage_of(int rank) const;
  int thread_of_queue(int rank, int queue) const;
  bool overlaps(int rank, int queue) const;

  TraceOptions options_;
  Sink sink_;
  const simulate::System* system_ = nullptr;
  simulate::LinkLoads loads_;
  std::vector<bool> shown_;             // [rank of the system]
  std::vector<OpenSlot> slots_;         // [rank of the system]
  std::vector<std::string> blocks_;     // [block] Names as JSON text without quotes.
  std::vector<std::string> labels_;     // [label] Likewise.
  std::vector<std::string> queues_;     // [stage][queue] Its labels likewise; empty: no thread.
  std::vector<Seconds> message_began_;  // [transfer] Of the message that arrived last.
  std::int64_t arrows_ = 0;
  bool is_first_ = true;
};

}  // namespace planewise::report
