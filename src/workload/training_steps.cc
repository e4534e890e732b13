#include "workload/training_steps.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "workload/step_writer.h"

namespace planewise::workload {
namespace {

MoePosition position_of(const ChunkPlace& place, const Unit& unit) {
  return {.chunk = place.chunk, .layer = unit.moe_layer};
}

/// Whether gradients of weights are computed beside the exchange before them, and what goes to the
/// next stage is sent before them: schedules that hold the two kinds of gradients apart.
bool splits_backward(const spec::JobSpec& job) {
  return job.schedule == spec::Schedule::dualpipe || job.schedule == spec::Schedule::zb1p;
}

/// Whether weight gradients of embedding, MTP input and head wait too. DualPipe puts off those of
/// attention and feed-forwards alone (arXiv 2412.19437, section 3.2.1).
bool puts_off_edges(const spec::JobSpec& job) { return job.schedule != spec::Schedule::dualpipe; }

void layer_forward(StepWriter& writer, const Unit& unit, MoePosition position) {
  writer.attention_forward();
  if (unit.kind == UnitKind::dense_layer) {
    writer.dense_forward();
    return;
  }
  writer.compute(Piece::router, Part::forward);
  writer.expert_exchange(ExpertExchange::dispatch, position);
  writer.experts(Part::forward, position);
  writer.expert_exchange(ExpertExchange::combine, position);
}

/// Steps of the backward of one layer, in the parts that a pair puts apart.
class LayerBackward {
 public:
  LayerBackward(StepWriter& writer, const ChunkPlace& place, const Unit& unit, bool with_weights)
      : writer_(writer),
        position_(position_of(place, unit)),
        is_moe_(unit.kind == UnitKind::moe_layer),
        with_weights_(with_weights) {}

  /// The gradient of the output goes to the experts.
  void begin() {
    if (!is_moe_) return;
    writer_.compute(Piece::gradient_quantise, Part::backward);
    writer_.expert_start(ExpertExchange::combine_backward, position_);
  }

  /// Experts or the dense feed-forward, and their weight gradients.
  void feed_forward(bool weights_overlap) {
    if (!is_moe_) {
      writer_.dense_backward();
      if (!with_weights_) {
        writer_.scatter_exchange();
        return;
      }
      writer_.scatter_start();
      writer_.dense_weight();
      writer_.scatter_wait();
      return;
    }
    writer_.expert_wait(ExpertExchange::combine_backward, position_);
    writer_.experts(Part::backward, position_);
    writer_.expert_start(ExpertExchange::dispatch_backward, position_);
    if (!weights_overlap) writer_.expert_wait(ExpertExchange::dispatch_backward, position_);
    if (with_weights_) writer_.experts(Part::weight, position_);
    waits_ = weights_overlap;
  }

  /// Attention's gradients of inputs; what leaves the layer is scattered here unless weight
  /// gradients follow, beside which it can be.
  void attention() {
    if (is_moe_ && waits_) writer_.expert_wait(ExpertExchange::dispatch_backward, position_);
    if (is_moe_) writer_.compute(Piece::router, Part::backward);
    if (is_moe_ && with_weights_) writer_.compute(Piece::router, Part::weight);
    writer_.attention_backward();
    if (with_weights_) {
      writer_.scatter_start();
    } else {
      writer_.scatter_exchange();
    }
  }
  void attention_weight() {
    if (!with_weights_) return;
    writer_.attention_weight();
    writer_.scatter_wait();
  }

 private:
  StepWriter& writer_;
  MoePosition position_;
  bool is_moe_;
  bool with_weights_;
  bool waits_ = false;
};

/// The stage's units from last to first.
std::vector<Unit> backwards(const ChunkPlace& place) {
  return {place.units.rbegin(), place.units.rend()};
}

bool recomputes_layers(const spec::JobSpec& job) {
  return job.recomputation == spec::Recomputation::full;
}

}  // namespace

std::vector<Unit> stage_units(const model::StageContent& stage, bool mtp_is_moe) {
  std::vector<Unit> units;
  int moe = 0;
  if (stage.embedding) units.push_back({UnitKind::embedding});
  for (std::int64_t i = 0; i < stage.dense_layers; ++i) units.push_back({UnitKind::dense_layer});
  for (std::int64_t i = 0; i < stage.moe_layers; ++i) units.push_back({UnitKind::moe_layer, moe++});
  if (stage.head) units.push_back({UnitKind::head});
  if (stage.mtp) {
    units.push_back({UnitKind::mtp_input});
    units.push_back(mtp_is_moe ? Unit{UnitKind::moe_layer, moe} : Unit{UnitKind::dense_layer});
    units.push_back({UnitKind::head});
  }
  return units;
}

namespace {

/// Data-parallel exchanges of one layer at a time.
class LayerData {
 public:
  LayerData(StepWriter& writer, const FixedLabels& labels)
      : writer_(writer),
        parameters_{labels.parameter_rail, labels.parameter_node, labels.expert_parameter},
        gradients_{labels.gradient_node, labels.gradient_rail, labels.expert_gradient} {}

  void start_parameters() { start(parameters_); }
  void wait_for_parameters() { wait(parameters_); }
  void exchange_parameters() { exchange(parameters_); }
  void start_gradients() { start(gradients_); }
  void wait_for_gradients() { wait(gradients_); }
  void exchange_gradients() { exchange(gradients_); }

  /// Under fsdp: the next layer's parameters come while this one computes.
  void begin_layer(std::size_t layers_left) {
    if (!is_ahead_) start_parameters();
    is_ahead_ = layers_left > 1;
    if (is_ahead_) start_parameters();
    wait_for_parameters();
  }
  /// Under fsdp: this layer's gradients go while the next one computes.
  void end_layer() {
    if (is_sending_) wait_for_gradients();
    start_gradients();
    is_sending_ = true;
  }
  void end_chunk() {
    if (is_sending_) wait_for_gradients();
    is_sending_ = false;
  }

 private:
  using Labels = std::array<int, 3>;

  void start(const Labels& labels) {
    for (const int label : labels) {
      if (label >= 0) writer_.start(label);
    }
  }
  void wait(const Labels& labels) {
    for (const int label : labels) {
      if (label >= 0) writer_.wait(label);
    }
  }
  void exchange(const Labels& labels) {
    for (const int label : labels) {
      if (label >= 0) writer_.exchange(label);
    }
  }

  StepWriter& writer_;
  Labels parameters_;
  Labels gradients_;
  bool is_ahead_ = false;
  bool is_sending_ = false;
};

std::size_t layer_count(const std::vector<Unit>& units) {
  return static_cast<std::size_t>(
      std::count_if(units.begin(), units.end(), [](const Unit& unit) { return unit.is_layer(); }));
}

}  // namespace

std::vector<Step> gather_steps(const StepContext& context, std::int64_t layers) {
  StepWriter writer(context, Setting::alone);
  LayerData data(writer, context.labels.fixed());
  for (std::int64_t i = 0; i < layers; ++i) data.start_parameters();
  return writer.take();
}

std::vector<Step> forward_steps(const StepContext& context, const ChunkPlace& place,
                                DataExchange exchange) {
  StepWriter writer(context, Setting::alone);
  LayerData data(writer, context.labels.fixed());
  std::size_t layers_left = layer_count(place.units);
  if (!place.is_first) writer.receive(context.labels.forward_message(place.forward_from));
  for (const Unit& unit : place.units) {
    if (unit.is_layer()) {
      if (exchange == DataExchange::by_layer) data.wait_for_parameters();
      if (exchange == DataExchange::sharded) data.begin_layer(layers_left--);
    }
    writer.edge(unit.kind, Part::forward);
    if (unit.is_layer()) layer_forward(writer, unit, position_of(place, unit));
  }
  if (!place.is_last) writer.send(context.labels.forward_message(place.chunk));
  return writer.take();
}

std::vector<Step> backward_steps(const StepContext& context, const ChunkPlace& place, Pass pass,
                                 DataExchange exchange) {
  const bool with_weights = pass == Pass::backward;
  const bool splits = splits_backward(context.job);
  const std::vector<Unit> units = backwards(place);
  StepWriter writer(context, Setting::alone);
  LayerData data(writer, context.labels.fixed());
  std::size_t layers_left = layer_count(units);
  const auto send = [&] {
    if (!place.is_first) writer.send(context.labels.backward_message(place.chunk));
  };
  if (!place.is_last) writer.receive(context.labels.backward_message(place.backward_from));
  if (units.empty()) send();  // A stage without layers hands on what it gets.
  for (std::size_t i = 0; i < units.size(); ++i) {
    const Unit& unit = units[i];
    const bool ends = i + 1 == units.size();
    if (!unit.is_layer()) {
      writer.edge(unit.kind, Part::backward);
      if (with_weights || !puts_off_edges(context.job)) writer.edge(unit.kind, Part::weight);
      if (ends) send();
      continue;
    }
    if (exchange == DataExchange::sharded) data.begin_layer(layers_left--);
    if (recomputes_layers(context.job)) layer_forward(writer, unit, position_of(place, unit));
    LayerBackward layer(writer, place, unit, with_weights);
    layer.begin();
    layer.feed_forward(splits && with_weights);
    layer.attention();
    if (ends && splits) send();
    layer.attention_weight();
    if (ends && !splits) send();
    if (exchange == DataExchange::by_layer) data.start_gradients();
    if (exchange == DataExchange::sharded) data.end_layer();
  }
  data.end_chunk();
  return writer.take();
}

std::vector<Step> weight_steps(const StepContext& context, const ChunkPlace& place) {
  StepWriter writer(context, Setting::alone);
  for (const Unit& unit : backwards(place)) {
    if (puts_off_edges(context.job)) writer.edge(unit.kind, Part::weight);
    if (!unit.is_layer()) continue;
    if (unit.kind == UnitKind::moe_layer) {
      writer.experts(Part::weight, position_of(place, unit));
      writer.compute(Piece::router, Part::weight);
    } else {
      writer.dense_weight();
    }
    writer.attention_weight();
  }
  return writer.take();
}

namespace {

/// Writes a pair unit by unit; units of the two directions stand beside each other as far as both
/// have any.
class PairWriter {
 public:
  PairWriter(const StepContext& context, const ChunkPlace& forward, const ChunkPlace& backward)
      : context_(context),
        writer_(context, Setting::paired),
        forward_(forward),
        backward_(backward),
        backward_units_(backwards(backward)) {}

  std::vector<Step> write() {
    const JobLabels& labels = context_.labels;
    if (!backward_.is_last) writer_.receive(labels.backward_message(backward_.backward_from));
    if (backward_units_.empty()) send_backward();
    begin_backward(0);
    if (!forward_.is_first) writer_.receive(labels.forward_message(forward_.forward_from));
    if (forward_.units.empty()) send_forward();
    const std::size_t count = std::max(forward_.units.size(), backward_units_.size());
    for (std::size_t i = 0; i < count; ++i) write_units(i);
    return writer_.take();
  }

 private:
  void begin_backward(std::size_t i) {
    if (i >= backward_units_.size() || !backward_units_[i].is_layer()) return;
    layers_backward_.emplace_back(writer_, backward_, backward_units_[i], true);
    layers_backward_.back().begin();
  }

  void write_units(std::size_t i) {
    const bool has_forward = i < forward_.units.size();
    const bool has_backward = i < backward_units_.size();
    if (has_forward) forward_attention(forward_.units[i]);
    if (has_backward) backward_feed_forward(backward_units_[i]);
    if (has_forward) forward_feed_forward(forward_.units[i]);
    if (has_forward && i + 1 == forward_.units.size()) send_forward();
    if (has_backward) backward_attention(i);
    if (has_forward && forward_.units[i].kind == UnitKind::moe_layer) {
      writer_.expert_wait(ExpertExchange::combine, position_of(forward_, forward_.units[i]));
    }
  }

  void forward_attention(const Unit& unit) {
    writer_.edge(unit.kind, Part::forward);
    if (!unit.is_layer()) return;
    writer_.attention_forward();
    if (unit.kind != UnitKind::moe_layer) return;
    writer_.compute(Piece::router, Part::forward);
    writer_.expert_start(ExpertExchange::dispatch, position_of(forward_, unit));
  }

  void forward_feed_forward(const Unit& unit) {
    if (unit.kind == UnitKind::dense_layer) writer_.dense_forward();
    if (unit.kind != UnitKind::moe_layer) return;
    writer_.expert_wait(ExpertExchange::dispatch, position_of(forward_, unit));
    writer_.experts(Part::forward, position_of(forward_, unit));
    writer_.expert_start(ExpertExchange::combine, position_of(forward_, unit));
  }

  /// What the last combine brings goes on behind it.
  void send_forward() {
    if (forward_.is_last) return;
    const int label = context_.labels.forward_message(forward_.chunk);
    const bool ends_with_experts =
        !forward_.units.empty() && forward_.units.back().kind == UnitKind::moe_layer;
    if (ends_with_experts && writer_.has_expert_exchange()) {
      writer_.send_queued(label);
    } else {
      writer_.send(label);
    }
  }

  void send_backward() {
    if (!backward_.is_first) writer_.send(context_.labels.backward_message(backward_.chunk));
  }

  void backward_feed_forward(const Unit& unit) {
    writer_.edge_backward(unit.kind);
    if (unit.is_layer()) layers_backward_.back().feed_forward(true);
  }

  void backward_attention(std::size_t i) {
    const bool ends = i + 1 == backward_units_.size();
    const bool is_layer = backward_units_[i].is_layer();
    const std::size_t layer = layers_backward_.size() - 1;
    if (is_layer) layers_backward_[layer].attention();
    if (ends) {
      send_backward();
    } else {
      begin_backward(i + 1);
    }
    if (is_layer) layers_backward_[layer].attention_weight();
  }

  const StepContext& context_;
  StepWriter writer_;
  const ChunkPlace& forward_;
  const ChunkPlace& backward_;
  std::vector<Unit> backward_units_;
  std::vector<LayerBackward> layers_backward_;
};

}  // namespace

std::vector<Step> pair_steps(const StepContext& context, const ChunkPlace& forward,
                             const ChunkPlace& backward) {
  return PairWriter(context, forward, backward).write();
}

std::vector<Step> optimizer_steps(const StepContext& context, const OptimizerPlace& place) {
  const FixedLabels& f = context.labels.fixed();
  // A rank without layers has no passes of layers in which to move what it holds: it does so here.
  const bool has_layers = place.layers > 0;
  const bool sharded = has_layers && context.job.optimizer.sharding == spec::Sharding::fsdp;
  const bool gradients_overlap = has_layers && context.job.overlap.gradients;
  const bool parameters_overlap = has_layers && context.job.overlap.parameters;
  StepWriter writer(context, Setting::alone);
  LayerData data(writer, f);
  if (!sharded && gradients_overlap) {
    for (std::int64_t i = 0; i < place.layers; ++i) data.wait_for_gradients();
  } else if (!sharded) {
    data.exchange_gradients();
  }
  if (place.shares_embedding) writer.exchange(f.embedding_gradient);
  writer.exchange(f.gradient_norm);
  writer.compute_block(place.block);
  if (!sharded && !parameters_overlap) data.exchange_parameters();
  return writer.take();
}

}  // namespace planewise::workload
