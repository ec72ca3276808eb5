// Names of the data sets.
#pragma once

#include "engine/names.hpp"

namespace bptplr {

/// Data sets, each with a row in dataset_table.cpp.
enum class DatasetKind {
  kCifar10,
  kCifar100,
  kShapes,
  kAnimal10n,
  kClothing1m,
  kFolder,
  kCsv,
  kFeatures,
  kArrays
};
constexpr auto names_of(DatasetKind) {
  return std::to_array<NamedValue<DatasetKind>>({{DatasetKind::kCifar10, "cifar10"},
                                                 {DatasetKind::kCifar100, "cifar100"},
                                                 {DatasetKind::kShapes, "shapes"},
                                                 {DatasetKind::kAnimal10n, "animal10n"},
                                                 {DatasetKind::kClothing1m, "clothing1m"},
                                                 {DatasetKind::kFolder, "folder"},
                                                 {DatasetKind::kCsv, "csv"},
                                                 {DatasetKind::kFeatures, "features"},
                                                 {DatasetKind::kArrays, "arrays"}});
}

}  // namespace bptplr
