#include "engine/fast/link_table.h"

#include <algorithm>

#include "base/check.h"

namespace planewise::engine {
namespace {

/// A key that no flow has: it was taken off as due.
constexpr Bytes kTaken = bytes(-1);

/// Orders a heap so that the first end is on top; equal ones by slot.
bool ends_later(const Key& a, const Key& b) {
  if (a.key != b.key) return a.key > b.key;
  return a.flow > b.flow;
}

}  // namespace

LinkTable::LinkTable(std::span<const Rate> capacities, FlowTable& flows)
    : flows_(flows), shared_count_(capacities.size()) {
  levels_.reserve(capacities.size() + 1);
  links_.reserve(capacities.size() + 1);
  for (const Rate capacity : capacities) add_link(capacity, kOpen);
  add_link(kOpen, kOpen);
}

void LinkTable::add_link(Rate capacity, Rate level) {
  levels_.push_back({.level = level});
  capacities_.push_back(capacity);
  links_.emplace_back();
  flows_.add_link();
}

LinkId LinkTable::limit_link(Rate limit) {
  const auto [entry, is_new] = limit_links_.try_emplace(limit, static_cast<LinkId>(links_.size()));
  if (is_new) add_link(kOpen, limit);
  return entry->second;
}

Bytes LinkTable::clock(LinkId link, Seconds now) const {
  const Link& state = at(link);
  const Rate rate = level(link).level;
  return rate < kOpen ? state.clock + rate * (now - state.clock_time) : state.clock;
}

bool LinkTable::is_stale(LinkId link, const Key& key) const {
  const FlowState& flow = flows_.flow(key.flow);
  return flow.bottleneck != link || flow.key != key.key;
}

void LinkTable::widen(Link& link, std::size_t stride) {
  const auto none = static_cast<LinkId>(shared_count_);
  std::vector<LinkId> wide(link.residents.size() * stride, none);
  std::vector<std::int32_t> wide_weights(link.weights.empty() ? 0 : wide.size(), 1);
  for (std::size_t i = 0; i < link.neighbours.size(); ++i) {
    const std::size_t place = i / link.stride * stride + i % link.stride;
    wide[place] = link.neighbours[i];
    if (!link.weights.empty()) wide_weights[place] = link.weights[i];
  }
  link.neighbours = std::move(wide);
  link.weights = std::move(wide_weights);
  link.stride = stride;
}

void LinkTable::append_neighbour(Link& link, LinkId neighbour, std::int32_t weight) {
  if (weight != 1 && link.weights.empty()) link.weights.assign(link.neighbours.size(), 1);
  const bool weighted = weight != 1 || !link.weights.empty();
  link.neighbours.push_back(neighbour);
  if (weighted) link.weights.push_back(weight);
}

void LinkTable::append_resident(FlowSlot slot, LinkId link) {
  Link& state = at(link);
  const std::span<const Hop> hops = flows_.hops(slot);
  if (hops.size() - 1 > state.stride) widen(state, hops.size() - 1);
  flows_.set_bottleneck(slot, link);
  flows_.flow(slot).place = static_cast<std::int32_t>(state.residents.size());
  state.residents.push_back(slot);
  for (const Hop& hop : hops) {
    if (hop.link != link) append_neighbour(state, hop.link, hop.weight);
  }
  while (state.neighbours.size() < state.residents.size() * state.stride) {
    append_neighbour(state, static_cast<LinkId>(shared_count_), 1);
  }
}

void LinkTable::settle(FlowSlot slot, LinkId link, Seconds now) {
  append_resident(slot, link);
  FlowState& flow = flows_.flow(slot);
  flow.key += clock(link, now);
  std::vector<Key>& keys = at(link).keys;
  keys.push_back({.key = flow.key, .flow = slot});
  std::push_heap(keys.begin(), keys.end(), ends_later);
  if (keys.size() > 2 * at(link).residents.size() + 64) compact_keys(link);
}

void LinkTable::compact_keys(LinkId link) {
  std::vector<Key>& keys = at(link).keys;
  std::erase_if(keys, [&](const Key& key) { return is_stale(link, key); });
  order_keys(link);
}

Bytes LinkTable::left(FlowSlot slot, Seconds now) const {
  const FlowState& flow = flows_.flow(slot);
  if (flow.bottleneck == kNoLink) return flow.key;
  // Rounding must not make it negative.
  return std::max(flow.key - clock(flow.bottleneck, now), Bytes{});
}

void LinkTable::unsettle(FlowSlot slot, Seconds now) {
  FlowState& flow = flows_.flow(slot);
  Link& state = at(flow.bottleneck);
  flow.key = left(slot, now);
  const auto place = static_cast<std::size_t>(flow.place);
  const std::size_t last = state.residents.size() - 1;
  state.residents[place] = state.residents[last];
  flows_.flow(state.residents[place]).place = flow.place;
  for (std::size_t i = 0; i < state.stride; ++i) {
    state.neighbours[place * state.stride + i] = state.neighbours[last * state.stride + i];
    if (state.weights.empty()) continue;
    state.weights[place * state.stride + i] = state.weights[last * state.stride + i];
  }
  state.residents.pop_back();
  state.neighbours.resize(last * state.stride);
  if (!state.weights.empty()) state.weights.resize(last * state.stride);
  flow.bottleneck = kNoLink;  // The crossings are set when it settles again, or go with the flow.
}

void LinkTable::set_level(LinkId link, Rate new_level, Seconds now) {
  Link& state = at(link);
  state.clock = clock(link, now);
  state.clock_time = now;
  level(link).level = new_level;
}

void LinkTable::reset(LinkId link, Seconds now) {
  PW_CHECK(at(link).residents.empty());
  at(link).clock = Bytes{};
  at(link).clock_time = now;
  at(link).keys.clear();
  at(link).weights.clear();
}

Seconds LinkTable::first_end(LinkId link) {
  Link& state = at(link);
  std::vector<Key>& keys = state.keys;
  while (!keys.empty() && is_stale(link, keys.front())) {
    std::pop_heap(keys.begin(), keys.end(), ends_later);
    keys.pop_back();
  }
  const Rate rate = level(link).level;
  if (keys.empty() || rate == Rate{} || rate == kOpen) return kNever;
  return state.clock_time + (keys.front().key - state.clock) / rate;
}

Seconds LinkTable::take_due(LinkId link, Seconds limit, std::vector<FlowSlot>& due) {
  std::vector<Key>& keys = at(link).keys;
  Seconds latest{};
  for (Seconds end = first_end(link); end <= limit; end = first_end(link)) {
    latest = end;
    const FlowSlot slot = keys.front().flow;
    due.push_back(slot);
    flows_.flow(slot).key = kTaken;  // Its entry is stale now, and any double of it.
  }
  return latest;
}

void LinkTable::clear(LinkId link, Seconds now) {
  Link& state = at(link);
  state.residents.clear();
  state.neighbours.clear();
  state.keys.clear();
  reset(link, now);
}

void LinkTable::settle_unordered(FlowSlot slot, LinkId link) {
  append_resident(slot, link);
  at(link).keys.push_back({.key = flows_.flow(slot).key, .flow = slot});
}

void LinkTable::order_keys(LinkId link) {
  std::vector<Key>& keys = at(link).keys;
  std::make_heap(keys.begin(), keys.end(), ends_later);
}

}  // namespace planewise::engine
