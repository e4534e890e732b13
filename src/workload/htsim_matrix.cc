#include "workload/htsim_matrix.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "workload/traffic.h"

namespace planewise::workload {
namespace {

constexpr double kMostSize = 2147483647;  // connection_matrix.cpp reads sizes with stoi

std::size_t at(int index) { return static_cast<std::size_t>(index); }

struct WrittenFlow {
  std::int64_t source = 0;  ///< GPUs.
  std::int64_t destination = 0;
  Bytes size{};
  Seconds start{};     ///< Without a trigger.
  Seconds earliest{};  ///< It starts no sooner, as what it waits for does not.
  int trigger = 0;     ///< 0: none, as ids count from 1.
  int send_done_trigger = 0;
  int recv_done_trigger = 0;
};

/// Flows of one start of a transfer that concern a rank.
struct WaitingFor {
  std::vector<int> flows{};
  int number = 0;  ///< Tells it from all others.
};
/// What a rank waits for before it does anything further.
struct Waiting {
  Seconds start{};  ///< Pauses before its first transfer.
  /// By transfer: its last start, which stands for all before it.
  std::map<int, WaitingFor> flows{};
};

struct RankState {
  std::size_t slot = 0;
  std::size_t step = 0;
  Waiting waiting{};
};
struct TransferState {
  std::vector<int> arrived{};   ///< Exchange: ranks.
  std::deque<int> sent{};       ///< Message: flows that have not been received yet.
  int last = -1;                ///< Message: the flow before the next.
  bool is_awaited = false;      ///< Message: its receiver waits.
  std::map<int, int> waited{};  ///< Message: by transfer, the number that `last` waited for.
  std::int64_t starts = 0;
};

/// Runs the ranks' programs without time: what comes after what is all that counts.
class MatrixWriter {
 public:
  MatrixWriter(const Program& program, const Placement& placement, const MatrixOptions& options)
      : program_(program),
        placement_(placement),
        options_(options),
        ranks_(at(program.rank_count())),
        transfers_(program.transfers.size()) {
    const std::size_t labels = program.labels.size();
    joined_.assign(labels, std::vector<int>(ranks_.size(), -1));
    received_ = joined_;
    for (std::size_t t = 0; t < program.transfers.size(); ++t) {
      const Transfer& transfer = program.transfers[t];
      const bool is_message = program.labels[at(transfer.label)].is_message;
      for (std::size_t m = 0; m < transfer.members.size(); ++m) {
        auto& table = is_message && m == 1 ? received_ : joined_;
        table[at(transfer.label)][at(transfer.members[m])] = static_cast<int>(t);
      }
    }
  }

  std::variant<std::string, MatrixRefusal> write() {
    check_latencies();
    for (int rank = program_.rank_count() - 1; rank >= 0; --rank) ready_.push_back(rank);
    while (!ready_.empty() && refusal_.reason.empty()) {
      const int rank = ready_.back();
      ready_.pop_back();
      run(rank);
    }
    if (flows_.empty()) refuse("there is no flow to write", "");
    if (!refusal_.reason.empty()) return refusal_;
    return text();
  }

 private:
  void refuse(const std::string& reason, const std::string& hint) {
    if (refusal_.reason.empty()) refusal_ = {.reason = reason, .hint = hint};
  }

  const std::string& name_of(int transfer) const {
    return program_.labels[at(program_.transfers[at(transfer)].label)].name;
  }

  void check_latencies() {
    for (std::size_t t = 0; t < program_.transfers.size(); ++t) {
      const Transfer& transfer = program_.transfers[t];
      if (transfer.latency == Seconds{} && transfer.tail == Seconds{}) continue;
      refuse("a connection matrix cannot hold the software latency of '" +
                 name_of(static_cast<int>(t)) + "'",
             "leave out 'profile'");
      return;
    }
  }

  /// Takes the rank as far as it gets without waiting for another.
  void run(int rank) {
    RankState& state = ranks_[at(rank)];
    const StageProgram& stage = program_.stages[at(program_.stage_of_rank[at(rank)])];
    while (state.slot < stage.slots.size() && refusal_.reason.empty()) {
      const std::vector<Step>& steps = stage.chunks[at(stage.slots[state.slot].chunk)].steps;
      if (state.step == steps.size()) {
        state.step = 0;
        state.slot += 1;
      } else if (take(rank, steps[state.step])) {
        state.step += 1;
      } else {
        return;
      }
    }
  }

  /// Returns false if the rank waits; whatever it waits for makes it ready again.
  bool take(int rank, const Step& step) {
    Waiting& waiting = ranks_[at(rank)].waiting;
    switch (step.kind) {
      case StepKind::compute:
        pause(program_.blocks[at(step.index)], waiting);
        return true;
      case StepKind::exchange:
        return join(joined_[at(step.index)][at(rank)], rank);
      case StepKind::send:
        send(joined_[at(step.index)][at(rank)], waiting);
        return true;
      case StepKind::receive:
        return receive(received_[at(step.index)][at(rank)], waiting);
      case StepKind::start:
      case StepKind::wait:
      case StepKind::send_queued:
        break;  // No traffic workload has them.
    }
    PW_UNREACHABLE("traffic does not overlap within a rank");
  }

  void pause(const Block& block, Waiting& waiting) {
    if (block.time == Seconds{}) return;
    if (!waiting.flows.empty()) {
      refuse("a connection matrix has no pause after a flow, such as '" + block.name + "'",
             "leave out 'compute' after the first collective");
    }
    waiting.start += block.time;
  }

  /// Whoever comes last starts the exchange and goes on; the others are made ready behind it.
  bool join(int transfer, int rank) {
    TransferState& state = transfers_[at(transfer)];
    state.arrived.push_back(rank);
    if (state.arrived.size() < program_.transfers[at(transfer)].members.size()) return false;
    const std::vector<int> members = std::exchange(state.arrived, {});
    Seconds start{};
    std::vector<int> before;
    for (const int member : members) {
      const Waiting& waiting = ranks_[at(member)].waiting;
      start = std::max(start, waiting.start);
      for (const auto& [other, entry] : waiting.flows) {
        before.insert(before.end(), entry.flows.begin(), entry.flows.end());
      }
    }
    const int first = static_cast<int>(flows_.size());
    start_flows(transfer, start, before);
    Waiting all{.start = start};
    if (!before.empty()) all.flows[transfer] = {.flows = before, .number = ++numbers_};
    wait_for_exchange(transfer, members, all, first);
    for (const int member : members) {
      if (member == rank) continue;
      ranks_[at(member)].step += 1;
      ready_.push_back(member);
    }
    return true;
  }

  /// A member waits for the exchange's flows that touch it (from `first` on), and if none does for
  /// what the exchange itself waited for.
  void wait_for_exchange(int transfer, const std::vector<int>& members, const Waiting& before,
                         int first) {
    std::map<int, std::vector<int>> touching;
    for (int flow = first; flow < static_cast<int>(flows_.size()); ++flow) {
      touching[flow_ranks_[at(flow)].first].push_back(flow);
      touching[flow_ranks_[at(flow)].second].push_back(flow);
    }
    for (const int member : members) {
      Waiting& waiting = ranks_[at(member)].waiting;
      const auto found = touching.find(member);
      if (found != touching.end()) {
        waiting = {};
        waiting.flows[transfer] = {.flows = std::move(found->second), .number = ++numbers_};
      } else {
        waiting = before;
      }
    }
  }

  void send(int transfer, const Waiting& waiting) {
    TransferState& state = transfers_[at(transfer)];
    std::vector<int> before;
    for (const auto& [other, entry] : waiting.flows) {
      // What the channel's last message waited for is over when that one is.
      if (std::exchange(state.waited[other], entry.number) == entry.number) continue;
      before.insert(before.end(), entry.flows.begin(), entry.flows.end());
    }
    if (state.last >= 0) before.push_back(state.last);
    start_flows(transfer, waiting.start, before);
    state.last = static_cast<int>(flows_.size()) - 1;
    state.sent.push_back(state.last);
    if (!std::exchange(state.is_awaited, false)) return;
    ready_.push_back(program_.transfers[at(transfer)].members[1]);
  }

  bool receive(int transfer, Waiting& waiting) {
    TransferState& state = transfers_[at(transfer)];
    if (state.sent.empty()) {
      state.is_awaited = true;
      return false;
    }
    waiting.flows[transfer] = {.flows = {state.sent.front()}, .number = ++numbers_};
    state.sent.pop_front();
    return true;
  }

  /// Writes the transfer's flows, which start at `start` or after those in `before`.
  void start_flows(int transfer, Seconds start, std::vector<int> before) {
    const Transfer& definition = program_.transfers[at(transfer)];
    const std::int64_t starts = transfers_[at(transfer)].starts++;
    if (flow_count(definition) == 0) return;
    Seconds earliest{};
    for (const int flow : before) earliest = std::max(earliest, flows_[at(flow)].earliest);
    if (!before.empty() && start > earliest) {
      refuse("'" + name_of(transfer) + "' would start at a time and after other flows",
             "leave out 'compute', or let all ranks wait for the same");
      return;
    }
    const int trigger = before.empty() ? 0 : trigger_after(std::move(before), transfer);
    visit_flows(definition, placement_, [&](const RankFlow& flow) {
      const Bytes size = drawn_size(flow.size, program_.size_spread,
                                    {.seed = options_.seed,
                                     .transfer = static_cast<std::uint64_t>(transfer),
                                     .source = flow.source,
                                     .destination = flow.destination,
                                     .start = starts});
      if (size.base() > kMostSize) {
        refuse("htsim reads sizes up to 2,147,483,647 B, and a flow of '" + name_of(transfer) +
                   "' is larger",
               "write a smaller 'size'");
      }
      flows_.push_back({.source = placement_.gpu_of_rank[at(flow.source)],
                        .destination = placement_.gpu_of_rank[at(flow.destination)],
                        .size = size,
                        .start = start,
                        .earliest = std::max(start, earliest),
                        .trigger = trigger});
      flow_ranks_.emplace_back(flow.source, flow.destination);
    });
  }

  /// The trigger that fires when all of `before` have ended; one for all that wait for the same.
  int trigger_after(std::vector<int> before, int transfer) {
    std::sort(before.begin(), before.end());
    before.erase(std::unique(before.begin(), before.end()), before.end());
    const bool is_known = triggers_.contains(before);
    const bool has_room = std::all_of(before.begin(), before.end(), [&](int flow) {
      return flows_[at(flow)].send_done_trigger == 0 || flows_[at(flow)].recv_done_trigger == 0;
    });
    if (!is_known && !has_room) drop_implied(before);
    const auto [entry, is_new] =
        triggers_.try_emplace(std::move(before), static_cast<int>(trigger_sets_.size()) + 1);
    if (!is_new) return entry->second;
    const int trigger = entry->second;
    trigger_sets_.push_back(&entry->first);
    for (const int index : entry->first) {
      WrittenFlow& flow = flows_[at(index)];
      // The second choice is read by htsim, but at that commit none of its programs fires it.
      int* slot = &flow.send_done_trigger;
      if (*slot != 0) slot = &flow.recv_done_trigger;
      if (*slot != 0) {
        refuse("more than two things wait for one flow before '" + name_of(transfer) +
                   "'; a connection matrix has two triggers a flow",
               "use one chunk, or another algorithm");
        return trigger;
      }
      *slot = trigger;
    }
    return trigger;
  }

  /// Takes out of `before` (sorted) what others in it wait for. A flow waits for earlier ones only.
  void drop_implied(std::vector<int>& before) const {
    const int first = before.front();
    std::vector<bool> is_ancestor(at(before.back() - first + 1), false);
    std::vector<bool> is_reached = is_ancestor;
    for (const int flow : before) is_reached[at(flow - first)] = true;
    std::vector<bool> is_seen(trigger_sets_.size(), false);
    for (int flow = before.back(); flow >= first; --flow) {
      const int trigger = flows_[at(flow)].trigger;
      if (!is_reached[at(flow - first)] || trigger == 0 || is_seen[at(trigger - 1)]) continue;
      is_seen[at(trigger - 1)] = true;
      for (const int earlier : *trigger_sets_[at(trigger - 1)]) {
        if (earlier < first) continue;
        is_reached[at(earlier - first)] = true;
        is_ancestor[at(earlier - first)] = true;
      }
    }
    std::erase_if(before, [&](int flow) { return is_ancestor[at(flow - first)]; });
  }

  std::string text() const {
    std::string out = "Nodes " + std::to_string(options_.hosts) + "\nConnections " +
                      std::to_string(flows_.size()) + "\nTriggers " +
                      std::to_string(trigger_sets_.size()) + "\n";
    const auto number = [&out](const char* key, std::int64_t value) {
      out += key;
      out += std::to_string(value);
    };
    for (std::size_t f = 0; f < flows_.size(); ++f) {
      const WrittenFlow& flow = flows_[f];
      number("", flow.source);
      number("->", flow.destination);
      number(" id ", static_cast<std::int64_t>(f) + 1);
      if (flow.trigger > 0) {
        number(" trigger ", flow.trigger);
      } else {
        number(" start ", std::llround(flow.start.base() * 1e12));
      }
      number(" size ", std::max<std::int64_t>(1, std::llround(flow.size.base())));
      if (flow.send_done_trigger > 0) number(" send_done_trigger ", flow.send_done_trigger);
      if (flow.recv_done_trigger > 0) number(" recv_done_trigger ", flow.recv_done_trigger);
      out += "\n";
    }
    for (std::size_t t = 0; t < trigger_sets_.size(); ++t) {
      number("trigger id ", static_cast<std::int64_t>(t) + 1);
      const std::size_t count = trigger_sets_[t]->size();
      if (count == 1) {
        out += " oneshot\n";
      } else {
        number(" barrier count ", static_cast<std::int64_t>(count));
        out += "\n";
      }
    }
    return out;
  }

  const Program& program_;
  const Placement& placement_;
  const MatrixOptions& options_;
  std::vector<RankState> ranks_;
  std::vector<TransferState> transfers_;
  std::vector<std::vector<int>> joined_;    ///< [label][rank], as in the simulation's driver.
  std::vector<std::vector<int>> received_;  ///< [label][rank]
  std::vector<int> ready_;                  ///< Ranks that can go on.
  std::vector<WrittenFlow> flows_;
  std::vector<std::pair<int, int>> flow_ranks_;        ///< By flow: source and destination.
  std::map<std::vector<int>, int> triggers_;           ///< By the flows that activate them.
  std::vector<const std::vector<int>*> trigger_sets_;  ///< By id less 1: keys of triggers_.
  int numbers_ = 0;
  MatrixRefusal refusal_;
};

}  // namespace

std::variant<std::string, MatrixRefusal> htsim_matrix(const Program& program,
                                                      const Placement& placement,
                                                      const MatrixOptions& options) {
  return MatrixWriter(program, placement, options).write();
}

}  // namespace planewise::workload
