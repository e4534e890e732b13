// Builds a Document from yaml-cpp's events; its own Node would lose the places of keys and drop
// duplicates.
#pragma once

#include <yaml-cpp/eventhandler.h>

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "spec/yaml_document.h"

namespace planewise::spec {

/// Thrown through yaml-cpp to stop it: the rest of the file is not worth its time.
struct ParsingStopped : std::runtime_error {
  ParsingStopped(Position place, const std::string& message)
      : std::runtime_error(message), at(place) {}
  Position at;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(Document& document, Diagnostics& diagnostics)
      : document_(document), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

  /// The place of the innermost list or map that has not ended; the whole file if there is none.
  Position innermost() const {
    return levels_.empty() ? Position{}
                           : document_.nodes[static_cast<std::size_t>(levels_.back().node)].at;
  }

 private:
  /// An open sequence or map.
  struct Level {
    int node = -1;
    std::optional<MapEntry> pending{};       ///< A key that waits for its value.
    bool drop = false;                       ///< That key was refused; its value goes nowhere.
    std::map<std::string, int> key_lines{};  ///< Where each key is.
  };

  Node& node(int index) { return document_.nodes[static_cast<std::size_t>(index)]; }
  std::string path() const;
  void error(Position at, const std::string& message, const std::string& hint);
  void check_tag(const YAML::Mark& mark, const std::string& tag);
  Position place_of_nothing(Position next) const;
  int add(Node node, YAML::anchor_t anchor);
  void add_leaf(Node node, YAML::anchor_t anchor);
  void open(Node node, YAML::anchor_t anchor);
  void close();
  void attach(int index, Position at);
  void start_entry(Level& level, int key_index, Position at);

  Document& document_;
  Diagnostics& diagnostics_;
  int documents_ = 0;
  std::map<YAML::anchor_t, int> anchors_;
  std::set<int> open_nodes_;
  std::vector<Level> levels_;
};

}  // namespace planewise::spec
