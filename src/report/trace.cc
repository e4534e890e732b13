#include "report/trace.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"

namespace planewise::report {
namespace {

using simulate::StepEvent;
using workload::StepKind;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Whole nanoseconds, so that a slice ends exactly where the next one begins.
std::int64_t nanoseconds(Seconds time) { return std::llround(time.base() * 1e9); }

/// The format counts in microseconds.
std::string microsecond_text(std::int64_t ns) {
  return fmt::format("{}.{:03}", ns / 1000, ns % 1000);
}

/// `text` as it stands between the quotes of JSON.
std::string escaped(const std::string& text) {
  const std::string quoted = nlohmann::json(text).dump();
  return quoted.substr(1, quoted.size() - 2);
}

// Readers take process and thread 0 for the system's idle ones: numbers begin at 1, names at 0.
int process_of(int stage) { return stage + 1; }
int thread_of(int rank) { return rank + 1; }

std::string metadata(const char* what, int process, int thread, const std::string& value) {
  // Some readers want a category and a time of every event; these are what Chrome writes.
  return fmt::format(
      R"({{"ph":"M","cat":"__metadata","name":"{}","pid":{},"tid":{},"ts":0,"args":{{{}}}}})", what,
      process, thread, value);
}

}  // namespace

int Trace::stage_of(int rank) const {
  return system_->program->stage_of_rank[at(system_->rank_of[at(rank)])];
}

void Trace::choose_ranks() {
  shown_.assign(system_->rank_of.size(), options_.all_ranks);
  if (options_.all_ranks) return;
  for (const int rank : options_.ranks) shown_[at(system_->class_of.at(at(rank)))] = true;
  if (!options_.ranks.empty()) return;
  std::vector<bool> has_stage(system_->program->stages.size());
  for (int rank = 0; rank < system_->rank_count(); ++rank) {
    const std::size_t stage = at(stage_of(rank));
    if (!has_stage[stage]) shown_[at(rank)] = true;
    has_stage[stage] = true;
  }
}

void Trace::run_began(const simulate::System& system) {
  system_ = &system;
  loads_.run_began(system);
  message_began_.resize(system.transfers.size());
  for (const workload::Block& block : system.program->blocks) {
    blocks_.push_back(escaped(block.name));
  }
  for (const workload::Label& label : system.program->labels) {
    labels_.push_back(escaped(label.name));
  }
  choose_ranks();
  sink_(
      fmt::format("{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"title\":\"{}\"}},"
                  "\"traceEvents\":[\n",
                  escaped(options_.title)));
  write_names();
}

void Trace::write_names() {
  const auto stage_count = static_cast<int>(system_->program->stages.size());
  std::vector<bool> has_stage(at(stage_count));
  for (int rank = 0; rank < system_->rank_count(); ++rank) {
    if (!shown_[at(rank)]) continue;
    const int stage = stage_of(rank);
    const int job_rank = system_->rank_of[at(rank)];
    const int process = process_of(stage);
    const int thread = thread_of(job_rank);
    const auto name = [&](const char* what, const std::string& text) {
      write(metadata(what, process, thread, fmt::format(R"("name":"{}")", text)));
    };
    const auto place = [&](const char* what, int index) {
      write(metadata(what, process, thread, fmt::format(R"("sort_index":{})", index)));
    };
    if (!has_stage[at(stage)]) {
      name("process_name", fmt::format("stage {}", stage));
      place("process_sort_index", stage);
    }
    has_stage[at(stage)] = true;
    const std::int64_t ranks = system_->rank_weight[at(rank)];
    name("thread_name", ranks == 1 ? fmt::format("rank {}", job_rank)
                                   : fmt::format("rank {}, for {} equal ranks", job_rank, ranks));
    place("thread_sort_index", job_rank);
  }
  const int links = process_of(stage_count);
  write(metadata("process_name", links, 0, R"("name":"busiest links")"));
  write(metadata("process_sort_index", links, 0, fmt::format(R"("sort_index":{})", stage_count)));
}

void Trace::write(const std::string& event) {
  if (!is_first_) sink_(",\n");
  is_first_ = false;
  sink_(event);
}

void Trace::transfer_ended(const simulate::TransferEnd& end) {
  message_began_[at(end.transfer)] = end.started;
}

void Trace::step_ended(const StepEvent& step) {
  if (!shown_[at(step.rank)]) return;
  const std::size_t index = at(step.step.index);
  switch (step.step.kind) {
    case StepKind::compute:
      write_slice(step, {blocks_[index], "compute", step.began, step.ended});
      return;
    case StepKind::exchange: {
      const std::string wait = "wait to begin " + labels_[index];
      write_slice(step, {wait, "skew", step.began, step.started});
      write_slice(step, {labels_[index], "exchange", step.started, step.ended});
      return;
    }
    case StepKind::start:
    case StepKind::wait:
    case StepKind::send_queued:
    case StepKind::send:
      write(fmt::format(
          R"({{"ph":"i","s":"t","name":"send {}","cat":"message","pid":{},"tid":{},"ts":{}}})",
          labels_[index], process_of(stage_of(step.rank)),
          thread_of(system_->rank_of[at(step.rank)]), microsecond_text(nanoseconds(step.ended))));
      return;
    case StepKind::receive: {
      const std::string wait = "wait for " + labels_[index];
      write_slice(step, {wait, "bubble", step.began, step.ended});
      write_arrow(step);
      return;
    }
  }
}

/// Writes nothing of a slice shorter than what the format can tell.
void Trace::write_slice(const StepEvent& step, const Slice& slice) {
  const std::int64_t began = nanoseconds(slice.began);
  const std::int64_t length = nanoseconds(slice.ended) - began;
  if (length == 0) return;
  write(fmt::format(
      R"({{"ph":"X","name":"{}","cat":"{}","pid":{},"tid":{},"ts":{},"dur":{},"args":{{"phase":"{}"}}}})",
      slice.name, slice.category, process_of(stage_of(step.rank)),
      thread_of(system_->rank_of[at(step.rank)]), microsecond_text(began), microsecond_text(length),
      workload::kPhaseWords[static_cast<std::size_t>(step.phase)]));
}

/// From the sender to the end of a wait. A reader ties an end of an arrow to the slice around it:
/// the sender's next one begins there; at the receiver a nanosecond keeps it inside.
void Trace::write_arrow(const StepEvent& receive) {
  const int sender = system_->transfers[at(receive.transfer)].members[0];
  const std::int64_t ended = nanoseconds(receive.ended);
  if (!shown_[at(sender)] || ended == nanoseconds(receive.began)) return;
  const std::string& name = labels_[at(receive.step.index)];
  constexpr const char* kForm =
      R"({{"ph":"{}",{}"id":{},"name":"{}","cat":"message","pid":{},"tid":{},"ts":{}}})";
  write(fmt::format(kForm, "s", "", arrows_, name, process_of(stage_of(sender)),
                    thread_of(system_->rank_of[at(sender)]),
                    microsecond_text(nanoseconds(message_began_[at(receive.transfer)]))));
  write(fmt::format(kForm, "f", R"("bp":"e",)", arrows_, name, process_of(stage_of(receive.rank)),
                    thread_of(system_->rank_of[at(receive.rank)]), microsecond_text(ended - 1)));
  arrows_ += 1;
}

void Trace::write_counters() {
  const int process = process_of(static_cast<int>(system_->program->stages.size()));
  const simulate::LoadsOverTime loads = loads_.by_kind();
  for (const simulate::KindLoad& kind : loads.kinds) {
    const std::string name = fabric::kLinkKindWords[static_cast<std::size_t>(kind.kind)];
    for (std::size_t bin = 0; bin < kind.maximum.size(); ++bin) {
      const Seconds began = loads.bin_width * static_cast<double>(bin);
      write(fmt::format(R"({{"ph":"C","cat":"load","name":"{}, % of capacity","pid":{},"ts":{},)"
                        R"("args":{{"load":{:.3f}}}}})",
                        name, process, microsecond_text(nanoseconds(began)),
                        kind.maximum[bin] * 100));
    }
  }
}

void Trace::run_ended(Seconds step_time) {
  loads_.run_ended(step_time);
  write_counters();
  sink_("\n]}\n");
}

}  // namespace planewise::report
