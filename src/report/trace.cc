#include "report/trace.h"

#include <fmt/format.h>

#include <algorithm>
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

/// What a stage does in a queue beside its steps: the names of the labels, each once. Empty if it
/// waits for everything in it at once.
std::string queue_name(const workload::Program& program, std::size_t stage, int queue) {
  constexpr std::size_t kMostNames = 4;  // That a track's title still shows.
  std::vector<std::string> names;
  bool overlaps = false;
  for (const workload::Chunk& chunk : program.stages[stage].chunks) {
    for (const workload::Step& step : chunk.steps) {
      if (step.kind != StepKind::start && step.kind != StepKind::exchange) continue;
      const workload::Label& label = program.labels[at(step.index)];
      if (label.queue != queue) continue;
      overlaps |= step.kind == StepKind::start;
      if (std::find(names.begin(), names.end(), label.name) == names.end()) {
        names.push_back(label.name);
      }
    }
  }
  if (!overlaps) return "";
  const std::size_t shown = std::min(names.size(), kMostNames);
  const std::string list = fmt::format(
      "{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return list + (shown < names.size() ? ", ..." : "");
}

}  // namespace

/// Below them are those of the ranks.
int Trace::thread_of_queue(int rank, int queue) const {
  return thread_of(system_->rank_of[at(rank)]) + (queue + 1) * system_->program->rank_count();
}

bool Trace::overlaps(int rank, int queue) const {
  return !queues_[at(stage_of(rank) * workload::kQueueCount + queue)].empty();
}

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
  slots_.resize(system.rank_of.size());
  message_began_.resize(system.transfers.size());
  for (const workload::Block& block : system.program->blocks) {
    blocks_.push_back(escaped(block.name));
  }
  for (const workload::Label& label : system.program->labels) {
    labels_.push_back(escaped(label.name));
  }
  for (std::size_t stage = 0; stage < system.program->stages.size(); ++stage) {
    for (int queue = 0; queue < workload::kQueueCount; ++queue) {
      queues_.push_back(escaped(queue_name(*system.program, stage, queue)));
    }
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
    place("thread_sort_index", job_rank * (1 + workload::kQueueCount));
    write_queue_names(rank);
  }
  const int links = process_of(stage_count);
  write(metadata("process_name", links, 0, R"("name":"busiest links")"));
  write(metadata("process_sort_index", links, 0, fmt::format(R"("sort_index":{})", stage_count)));
}

/// Queues stand below their rank.
void Trace::write_queue_names(int rank) {
  const int process = process_of(stage_of(rank));
  const int job_rank = system_->rank_of[at(rank)];
  for (int queue = 0; queue < workload::kQueueCount; ++queue) {
    if (!overlaps(rank, queue)) continue;
    const std::string& labels = queues_[at(stage_of(rank) * workload::kQueueCount + queue)];
    const int thread = thread_of_queue(rank, queue);
    write(metadata("thread_name", process, thread,
                   fmt::format(R"("name":"rank {}: {}")", job_rank, labels)));
    write(metadata(
        "thread_sort_index", process, thread,
        fmt::format(R"("sort_index":{})", job_rank * (1 + workload::kQueueCount) + 1 + queue)));
  }
}

void Trace::write(const std::string& event) {
  if (!is_first_) sink_(",\n");
  is_first_ = false;
  sink_(event);
}

void Trace::transfer_ended(const simulate::TransferEnd& end) {
  message_began_[at(end.transfer)] = end.started;
}

void Trace::part_ended(const simulate::PartEvent& part) {
  if (!shown_[at(part.rank)]) return;
  const int process = process_of(stage_of(part.rank));
  const workload::Label& label =
      system_->program->labels[at(system_->transfers[at(part.transfer)].label)];
  if (part.waited_since) {
    write_part(part, {process, thread_of(system_->rank_of[at(part.rank)]), part.phase},
               *part.waited_since);
  }
  if (overlaps(part.rank, label.queue)) {
    write_part(part, {process, thread_of_queue(part.rank, label.queue), part.phase}, part.joined);
  }
}

void Trace::step_ended(const StepEvent& step) {
  if (!shown_[at(step.rank)]) return;
  add_to_slot(step);
  const std::size_t index = at(step.step.index);
  const Place place{process_of(stage_of(step.rank)), thread_of(system_->rank_of[at(step.rank)]),
                    step.phase};
  switch (step.step.kind) {
    case StepKind::compute:
      write_slice(place, {blocks_[index], "compute", step.began, step.ended});
      return;
    case StepKind::exchange:  // part_ended() shows what was waited for.
    case StepKind::wait:
    case StepKind::start:
      return;
    case StepKind::send:
    case StepKind::send_queued:
      write(fmt::format(
          R"({{"ph":"i","s":"t","name":"send {}","cat":"message","pid":{},"tid":{},"ts":{}}})",
          labels_[index], place.process, place.thread, microsecond_text(nanoseconds(step.ended))));
      return;
    case StepKind::receive: {
      const std::string wait = "wait for " + labels_[index];
      write_slice(place, {wait, "bubble", step.began, step.ended});
      write_arrow(step);
      return;
    }
  }
}

void Trace::add_to_slot(const StepEvent& step) {
  OpenSlot& open = slots_[at(step.rank)];
  if (step.slot != open.slot) {
    write_slot(step.rank);
    open = {.slot = step.slot, .began = step.began};
  }
  open.phase = step.phase;
  open.ended = step.ended;
}

/// Around the slices of its steps, which readers show below it.
void Trace::write_slot(int rank) {
  const OpenSlot& open = slots_[at(rank)];
  const workload::StageProgram& stage = system_->program->stages[at(stage_of(rank))];
  if (open.slot >= stage.slots.size()) return;
  const std::string name = escaped(
      fmt::format("{}, slot {}", stage.chunks[at(stage.slots[open.slot].chunk)].name, open.slot));
  write_slice({process_of(stage_of(rank)), thread_of(system_->rank_of[at(rank)]), open.phase},
              {name, "slot", open.began, open.ended});
}

/// What there is of a part from `since` on: waiting for the last member, then the exchange.
void Trace::write_part(const simulate::PartEvent& part, const Place& place, Seconds since) {
  const std::string& name = labels_[at(system_->transfers[at(part.transfer)].label)];
  const Seconds began = std::max(part.began, since);
  const std::string wait = "wait to begin " + name;
  write_slice(place, {wait, "skew", std::max(part.joined, since), began});
  write_slice(place, {name, "exchange", began, part.ended});
}

/// Writes nothing of a slice shorter than what the format can tell.
void Trace::write_slice(const Place& place, const Slice& slice) {
  const std::int64_t began = nanoseconds(slice.began);
  const std::int64_t length = nanoseconds(slice.ended) - began;
  if (length == 0) return;
  write(fmt::format(
      R"({{"ph":"X","name":"{}","cat":"{}","pid":{},"tid":{},"ts":{},"dur":{},"args":{{"phase":"{}"}}}})",
      slice.name, slice.category, place.process, place.thread, microsecond_text(began),
      microsecond_text(length), workload::kPhaseWords[static_cast<std::size_t>(place.phase)]));
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
  for (int rank = 0; rank < system_->rank_count(); ++rank) {
    if (shown_[at(rank)]) write_slot(rank);
  }
  write_counters();
  sink_("\n]}\n");
}

}  // namespace planewise::report
