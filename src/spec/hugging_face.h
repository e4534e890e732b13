// Model configurations of Hugging Face (`config.json`), converted to our model file.
//
// Sources: configuration_*.py and modeling_*.py of github huggingface/transformers, of each family.
#pragma once

#include <string>
#include <vector>

#include "spec/input_error.h"
#include "spec/model.h"
#include "spec/yaml_document.h"

namespace planewise::spec {

/// A model as its configuration describes it.
struct HuggingFaceModel {
  ModelSpec model{};
  std::string yaml{};                  ///< The model file: each value beside the key it is from.
  std::vector<std::string> ignored{};  ///< Keys that are not known, safe to print, in file order.
};

struct HuggingFaceOptions {
  std::string name{};  ///< Of the model; empty: from `_name_or_path`, else from the file's path.
};

/// Converts the configuration at `path`.
///
/// Refuses, at its place, what would change the computation in a way that a model file cannot say:
/// an architecture that is not in the table, and keys known to matter with values known to do so.
/// Keys that are not known at all are in `ignored`. With any mistake in `diagnostics`, the returned
/// value is not to be used.
HuggingFaceModel read_hugging_face(const std::string& path, const HuggingFaceOptions& options,
                                   Diagnostics& diagnostics);

/// The same for a file that is in memory.
HuggingFaceModel read_hugging_face(Document document, const HuggingFaceOptions& options,
                                   Diagnostics& diagnostics);

/// The architectures that can be converted, in the order of the table.
std::vector<std::string> hugging_face_architectures();

}  // namespace planewise::spec
