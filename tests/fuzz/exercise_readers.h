// What must hold of every text whatsoever that is given to the readers. The fuzzer looks for a text
// that breaks it; tests/spec holds it against the corpus.
#pragma once

#include <algorithm>
#include <string>

#include "spec/hugging_face.h"
#include "spec/ports.h"
#include "spec/read.h"
#include "spec/storage.h"

namespace planewise::test {

/// What is wrong with the way a mistake is told; empty if nothing is.
inline std::string broken_promise(const spec::Diagnostic& d, const std::string& text) {
  const std::string shown = spec::render(d);
  const bool steers = std::any_of(shown.begin(), shown.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F;
  });
  if (steers) return "a control character is printed";
  if (d.message.empty()) return "a mistake without a message";
  // 240 characters of a source line, each up to six when escaped; a path of nested keys.
  if (shown.size() > 20'000) return "a mistake is told at too great a length";
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  if (d.at.line > lines) return "a place behind the end of the file";
  if (d.at.line > 0 && d.at.column < 1) return "a line without a column";
  if (d.at.column > static_cast<int>(text.size()) + 1) return "a column behind the end of the file";
  return "";
}

/// Reads a document as a configuration of Hugging Face. Returns as exercise_readers().
inline std::string exercise_conversion(const spec::Document& document, const std::string& text) {
  spec::Diagnostics mistakes;
  const spec::HuggingFaceModel read = spec::read_hugging_face(document, {}, mistakes);
  for (const spec::Diagnostic& d : mistakes.list()) {
    if (const std::string broken = broken_promise(d, text); !broken.empty()) return broken;
  }
  if (document.root < 0 || !mistakes.empty()) return "";
  spec::read_model(spec::parse_document("fuzz.yaml", read.yaml, mistakes), mistakes);
  return mistakes.empty() ? "" : "a configuration became no model file";
}

/// Reads `text` as whatever kind of file it says it is. Returns which promise was broken; empty if
/// none.
inline std::string exercise_readers(const std::string& text) {
  spec::Diagnostics diagnostics;
  spec::Document document = spec::parse_document("nowhere/fuzz.yaml", text, diagnostics);
  const bool was_read = document.root >= 0;
  if (!was_read && diagnostics.empty()) return "not read, and no reason given";
  if (const std::string broken = exercise_conversion(document, text); !broken.empty()) {
    return broken;
  }
  const std::string kind = spec::check_document(document, diagnostics);
  if (kind.empty() && diagnostics.empty()) return "of no kind, and no mistake told";
  if (diagnostics.list().size() > spec::kMostDiagnostics) return "more mistakes than are kept";
  for (const spec::Diagnostic& d : diagnostics.list()) {
    if (const std::string broken = broken_promise(d, text); !broken.empty()) return broken;
  }
  if (kind != "topology" || !diagnostics.empty()) return "";
  const spec::TopologySpec topology = spec::read_topology(std::move(document), diagnostics);
  // Counts that a table prints need not hold what it prints beside them.
  if (topology.fabric.as_printed) return "";
  if (spec::node_capacity(topology) < topology.nodes.count) return "more nodes than fit";
  if (!topology.storage) return "";
  const spec::TopologySpec storage = spec::storage_topology(topology);
  return spec::node_capacity(storage) < topology.nodes.count ? "more storage NICs than fit" : "";
}

}  // namespace planewise::test
