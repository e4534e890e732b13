#include "spec/htsim_matrix.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include "base/text.h"
#include "spec/text_file.h"

namespace planewise::spec {
namespace {

constexpr TextKind kMatrix{
    .what = "a connection matrix", .most_bytes = 256'000'000, .when_large = "split it"};
constexpr std::int64_t kMostHosts = 1'000'000;
constexpr std::int64_t kMostFlows = 2'000'000;
constexpr std::int64_t kMostNumber = 2'147'483'647;  // htsim reads ids with stoi
constexpr std::int64_t kMostSize = 1'000'000'000'000'000'000;
constexpr double kMostPicoseconds = 3.6e21;  // a million hours, as in YAML

struct Token {
  std::string_view text;
  Position at;
};

std::vector<Token> tokens_of(std::string_view line, int number) {
  std::vector<Token> tokens;
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t start = line.find_first_not_of(" \t\r", begin);
    if (start == std::string_view::npos) break;
    const std::size_t end = std::min(line.find_first_of(" \t\r", start), line.size());
    tokens.push_back({.text = line.substr(start, end - start),
                      .at = {.line = number, .column = static_cast<int>(start) + 1}});
    begin = end;
  }
  return tokens;
}

enum class TriggerType : std::uint8_t { oneshot, multishot, barrier };

/// A trigger as the file says it.
struct ReadTrigger {
  bool is_defined = false;
  Position at{};  ///< Where it is defined, or else first named.
  TriggerType type = TriggerType::oneshot;
  std::int64_t count = 0;
  MatrixTrigger flows{};

  std::size_t activations() const { return flows.senders.size() + flows.receivers.size(); }
};

class MatrixParser {
 public:
  MatrixParser(TrafficSpec& traffic, Diagnostics& diagnostics)
      : traffic_(traffic), diagnostics_(diagnostics) {}

  void parse() {
    const auto lines = static_cast<int>(traffic_.origin.line_starts.size());
    for (int number = 1; number <= lines; ++number) {
      const std::vector<Token> tokens = tokens_of(traffic_.origin.line(number), number);
      if (!tokens.empty() && !tokens[0].text.starts_with('#')) parse_line(tokens);
    }
    if (!diagnostics_.empty()) return;
    check_counts();
    check_triggers();
    if (!diagnostics_.empty()) return;
    number_triggers();
    check_starts();
  }

 private:
  void refuse(Position at, const std::string& message, const std::string& hint = {}) {
    diagnostics_.add(traffic_.origin, at, "", message, hint);
  }

  void parse_line(const std::vector<Token>& tokens) {
    const Token& first = tokens[0];
    if (first.text.find("->") != std::string_view::npos) {
      parse_flow(tokens);
    } else if (first.text == "trigger") {
      parse_trigger(tokens);
    } else if (first.text == "failure" || first.text == "Failures") {
      refuse(first.at, "failures are not read from a connection matrix");
    } else if (first.text == "Nodes" || first.text == "Connections" || first.text == "Triggers") {
      parse_count(tokens);
    } else {
      refuse(first.at,
             fmt::format("{} is none of Nodes, Connections, Triggers, SOURCE->DESTINATION "
                         "and trigger",
                         in_quotes(first.text)));
    }
  }

  /// The whole number after token `index`, which then stands on it; 0 after a mistake.
  std::int64_t number_after(const std::vector<Token>& tokens, std::size_t& index,
                            std::int64_t most = kMostNumber) {
    const Token& key = tokens[index];
    index += 1;
    if (index == tokens.size()) {
      refuse(key.at, fmt::format("'{}' without its number", key.text));
      return 0;
    }
    return whole_number(tokens[index], tokens[index].text, most);
  }

  std::int64_t whole_number(const Token& token, std::string_view text, std::int64_t most) {
    std::int64_t number = -1;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure == std::errc() && end == text.data() + text.size() && number >= 0 &&
        number <= most) {
      return number;
    }
    refuse(token.at, fmt::format("{} is not a whole number up to {}", in_quotes(text), most));
    return 0;
  }

  void parse_count(const std::vector<Token>& tokens) {
    const bool is_nodes = tokens[0].text == "Nodes";
    if (is_nodes ? traffic_.ranks > 0 : !flows().empty()) {
      refuse(tokens[0].at, fmt::format("'{}' belongs at the top, once", tokens[0].text));
      return;
    }
    std::size_t index = 0;
    const std::int64_t number = number_after(tokens, index, is_nodes ? kMostHosts : kMostFlows);
    if (is_nodes) {
      traffic_.ranks = static_cast<int>(number);
    } else {
      const bool is_flows = tokens[0].text == "Connections";
      (is_flows ? flow_count_ : trigger_count_) = number;
      (is_flows ? flow_count_at_ : trigger_count_at_) = tokens[0].at;
    }
  }

  std::vector<MatrixFlow>& flows() { return traffic_.matrix->flows; }

  int host(const Token& token, std::string_view text) {
    const auto host = static_cast<int>(whole_number(token, text, kMostHosts));
    if (host >= traffic_.ranks) {
      refuse(token.at, traffic_.ranks == 0
                           ? "no line 'Nodes N' before it"
                           : fmt::format("host {} of {}; they count from 0", host, traffic_.ranks));
    }
    return host;
  }

  /// The trigger that the number after token `index` names, and 0 after a mistake.
  int trigger_after(const std::vector<Token>& tokens, std::size_t& index) {
    const auto id = static_cast<std::int64_t>(number_after(tokens, index));
    if (index == tokens.size()) return 0;
    if (id == 0) refuse(tokens[index].at, "0 is no id of a trigger");
    ReadTrigger& trigger = triggers_[id];
    if (trigger.at.line == 0) trigger.at = tokens[index].at;
    return static_cast<int>(id);
  }

  void parse_flow(const std::vector<Token>& tokens) {
    const std::string_view ends = tokens[0].text;
    const std::size_t arrow = ends.find("->");
    const auto flow_index = static_cast<int>(flows().size());
    MatrixFlow flow{.source = host(tokens[0], ends.substr(0, arrow)),
                    .destination = host(tokens[0], ends.substr(arrow + 2))};
    if (flow.source == flow.destination) refuse(tokens[0].at, "a host sends nothing to itself");
    bool has_size = false, has_id = false;
    int starts = 0;
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      const std::string_view key = tokens[i].text;
      if (key == "start") {
        flow.start = start_after(tokens, i);
        starts += 1;
      } else if (key == "size") {
        const std::int64_t size = number_after(tokens, i, kMostSize);
        if (size == 0 && i < tokens.size()) refuse(tokens[i].at, "a flow has at least one byte");
        flow.size = bytes(static_cast<double>(size));
        has_size = true;
      } else if (key == "id") {
        has_id = number_after(tokens, i) > 0;
        if (!has_id && i < tokens.size()) refuse(tokens[i].at, "0 is no id of a flow");
      } else if (key == "prio") {
        number_after(tokens, i);  // max-min sharing knows no priorities; the report says so
      } else if (key == "trigger") {
        const int id = trigger_after(tokens, i);
        flow.trigger = id;
        triggers_[id].flows.targets.push_back(flow_index);
        starts += 1;
      } else if (key == "send_done_trigger") {
        flow.send_done_trigger = trigger_after(tokens, i);
        triggers_[flow.send_done_trigger].flows.senders.push_back(flow_index);
      } else if (key == "recv_done_trigger") {
        flow.recv_done_trigger = trigger_after(tokens, i);
        triggers_[flow.recv_done_trigger].flows.receivers.push_back(flow_index);
      } else {
        refuse_flow_key(tokens[i]);
        return;
      }
    }
    if (!has_size) refuse(tokens[0].at, "a flow without 'size'");
    if (starts != 1) refuse(tokens[0].at, "a flow has either 'start' or 'trigger', once");
    if (flow.trigger >= 0 && !has_id) {
      refuse(tokens[0].at, "a flow with a trigger needs an 'id' of its own");
    }
    flows().push_back(flow);
    flow_at_.push_back(tokens[0].at);
  }

  void refuse_flow_key(const Token& token) {
    if (token.text == "addon") {
      refuse(token.at, "'addon' re-arms a barrier, which is not simulated");
      return;
    }
    refuse(token.at, fmt::format("{} is none of id, start, size, trigger, send_done_trigger, "
                                 "recv_done_trigger and prio",
                                 in_quotes(token.text)));
  }

  Seconds start_after(const std::vector<Token>& tokens, std::size_t& index) {
    const Token& key = tokens[index];
    index += 1;
    if (index == tokens.size()) {
      refuse(key.at, "'start' without its time in picoseconds");
      return Seconds{};
    }
    const std::string_view text = tokens[index].text;
    double picoseconds = -1;
    const auto [end, failure] =
        std::from_chars(text.data(), text.data() + text.size(), picoseconds);
    const bool is_number = failure == std::errc() && end == text.data() + text.size();
    if (is_number && picoseconds >= 0 && picoseconds <= kMostPicoseconds) {
      return seconds(picoseconds / 1e12);
    }
    refuse(tokens[index].at, fmt::format("{} is no time in picoseconds", in_quotes(text)));
    return Seconds{};
  }

  void parse_trigger(const std::vector<Token>& tokens) {
    std::int64_t id = 0, count = 0;
    std::optional<TriggerType> type;
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      const std::string_view key = tokens[i].text;
      if (key == "id") {
        id = number_after(tokens, i);
      } else if (key == "count") {
        count = number_after(tokens, i);
      } else if (key == "oneshot") {
        type = TriggerType::oneshot;
      } else if (key == "multishot") {
        type = TriggerType::multishot;
      } else if (key == "barrier") {
        type = TriggerType::barrier;
      } else {
        refuse(tokens[i].at, fmt::format("{} is none of id, count, oneshot, multishot and barrier",
                                         in_quotes(key)));
        return;
      }
    }
    defined_ += 1;
    if (id == 0 || !type) {
      refuse(tokens[0].at, id == 0 ? "a trigger needs an 'id', which is not 0"
                                   : "a trigger is 'oneshot', 'multishot' or 'barrier'");
      return;
    }
    ReadTrigger& trigger = triggers_[id];
    if (trigger.is_defined) refuse(tokens[0].at, fmt::format("trigger {} is there twice", id));
    trigger.is_defined = true;
    trigger.at = tokens[0].at;
    trigger.type = *type;
    trigger.count = count;
  }

  void check_counts() {
    const auto flow_total = static_cast<std::int64_t>(flows().size());
    if (flow_total == 0) refuse(flow_count_at_, "there is no flow in the file");
    if (flow_total != flow_count_) {
      refuse(flow_count_at_,
             fmt::format("'Connections' says {}; flows in the file: {}", flow_count_, flow_total));
    }
    if (defined_ != trigger_count_) {
      refuse(trigger_count_at_,
             fmt::format("'Triggers' says {}; triggers in the file: {}", trigger_count_, defined_));
    }
  }

  void check_triggers() {
    for (const auto& [id, trigger] : triggers_) {
      const auto targets = trigger.flows.targets.size();
      if (!trigger.is_defined) {
        refuse(trigger.at, fmt::format("trigger {} is named but not there", id),
               fmt::format("add 'trigger id {} oneshot'", id));
      } else if (trigger.activations() == 0 && targets > 0) {
        refuse(trigger.at, fmt::format("no flow activates trigger {}, so that {} never start{}", id,
                                       targets == 1 ? "a flow" : "flows", targets == 1 ? "s" : ""));
      } else if (trigger.activations() > 0) {
        check_firing(id, trigger);
      }
    }
  }

  void check_firing(std::int64_t id, const ReadTrigger& trigger) {
    const std::size_t activations = trigger.activations();
    const std::size_t targets = trigger.flows.targets.size();
    switch (trigger.type) {
      case TriggerType::oneshot:
        if (targets == 0) refuse(trigger.at, fmt::format("trigger {} starts no flow", id));
        if (activations > 1) {
          refuse(trigger.at,
                 fmt::format("trigger {} fires once; flows that activate it: {}", id, activations),
                 fmt::format("write 'barrier count {}'", activations));
        }
        return;
      case TriggerType::barrier:
        if (static_cast<std::int64_t>(activations) != trigger.count) {
          refuse(trigger.at, fmt::format("trigger {} waits for {}; flows that activate it: {}", id,
                                         trigger.count, activations));
        }
        return;
      case TriggerType::multishot:
        if (activations != 1 || targets != 1) {
          refuse(trigger.at,
                 "which flow a multishot trigger starts depends on the order in which flows end, "
                 "and is not simulated",
                 "give each flow a trigger of its own");
        }
        return;
    }
  }

  /// From ids to indexes.
  void number_triggers() {
    std::map<int, int> index_of;
    for (auto& [id, trigger] : triggers_) {
      if (trigger.activations() == 0) continue;
      index_of[static_cast<int>(id)] = static_cast<int>(traffic_.matrix->triggers.size());
      traffic_.matrix->triggers.push_back(std::move(trigger.flows));
    }
    const auto renumber = [&](int& trigger) {
      if (trigger >= 0) trigger = index_of.at(trigger);
    };
    for (MatrixFlow& flow : flows()) {
      renumber(flow.trigger);
      renumber(flow.send_done_trigger);
      renumber(flow.recv_done_trigger);
    }
  }

  /// Flows that wait for each other in a circle never start.
  void check_starts() {
    const TrafficMatrix& matrix = *traffic_.matrix;
    std::vector<std::size_t> missing;
    for (const MatrixTrigger& trigger : matrix.triggers) {
      missing.push_back(trigger.senders.size() + trigger.receivers.size());
    }
    std::vector<int> started;
    std::vector<bool> starts(matrix.flows.size(), false);
    const auto start = [&](int flow) {
      starts[static_cast<std::size_t>(flow)] = true;
      started.push_back(flow);
    };
    for (std::size_t f = 0; f < matrix.flows.size(); ++f) {
      if (matrix.flows[f].trigger < 0) start(static_cast<int>(f));
    }
    while (!started.empty()) {
      const MatrixFlow& flow = matrix.flows[static_cast<std::size_t>(started.back())];
      started.pop_back();
      for (const int trigger : {flow.send_done_trigger, flow.recv_done_trigger}) {
        if (trigger < 0 || --missing[static_cast<std::size_t>(trigger)] > 0) continue;
        for (const int target : matrix.triggers[static_cast<std::size_t>(trigger)].targets) {
          start(target);
        }
      }
    }
    for (std::size_t f = 0; f < starts.size(); ++f) {
      if (starts[f]) continue;
      refuse(flow_at_[f], "the flow never starts: what it waits for waits for it");
      return;
    }
  }

  TrafficSpec& traffic_;
  Diagnostics& diagnostics_;
  std::int64_t flow_count_ = 0;
  std::int64_t trigger_count_ = 0;
  std::int64_t defined_ = 0;
  Position flow_count_at_{.line = 1, .column = 1};
  Position trigger_count_at_{.line = 1, .column = 1};
  std::map<std::int64_t, ReadTrigger> triggers_;
  std::vector<Position> flow_at_;
};

}  // namespace

bool is_htsim_matrix(const std::string& path) { return path.ends_with(".cm"); }

TrafficSpec parse_htsim_matrix(const std::string& name, const std::string& text,
                               Diagnostics& diagnostics) {
  TrafficSpec traffic;
  Diagnostics own;
  if (take_text(traffic.origin, kMatrix, {.name = name, .text = text}, own)) {
    traffic.name = std::filesystem::path(name).stem().string();
    traffic.source = name;
    traffic.matrix.emplace();
    MatrixParser(traffic, own).parse();
  }
  diagnostics.add(own);
  return traffic;
}

TrafficSpec read_htsim_matrix(const std::string& path, Diagnostics& diagnostics) {
  const std::optional<std::string> text = load_text(path, kMatrix, diagnostics);
  if (text) return parse_htsim_matrix(path, *text, diagnostics);
  TrafficSpec traffic;
  traffic.origin.path = path;
  return traffic;
}

}  // namespace planewise::spec
