#include "data/noise/human_labels.hpp"

#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "data/noise/noise.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/torch/pickle.hpp"
#include "engine/io/torch/zip.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNumpyMagic = "\x93NUMPY";

/// Returns the name of a set in the published files.
std::string published_key(HumanSet set, std::int64_t num_classes) {
  if (num_classes == 100) return "noisy_label";
  switch (set) {
    case HumanSet::kAggre:
      return "aggre_label";
    case HumanSet::kWorse:
      return "worse_label";
    case HumanSet::kRandom1:
      return "random_label1";
    case HumanSet::kRandom2:
      return "random_label2";
    case HumanSet::kRandom3:
      return "random_label3";
  }
  throw std::logic_error("published_key lacks a set of human labels");
}

fs::path find_file(const fs::path& path, HumanSet set, std::int64_t num_classes) {
  if (!fs::is_directory(path)) return path;
  const std::string base = num_classes == 10 ? "CIFAR-10_human" : "CIFAR-100_human";
  const std::string list =
      num_classes == 10 ? fmt::format("cifar10n_{}.json", set) : "cifar100n.json";
  for (const std::string& name : {list, base + ".pt", base + ".npy"}) {
    if (fs::exists(path / name)) return path / name;
  }
  throw Error(
      "{}: no human labels here (neither {} nor {}.pt or {}.npy); name their file or folder with "
      "--human_path",
      path.string(), list, base, base);
}

/// Returns the pickle in an archive that torch.save wrote from a dict of numpy arrays.
std::string pickle_of_archive(std::string bytes, const std::string& name) {
  const ZipArchive archive(std::move(bytes), name);
  for (const auto& [entry, place] : archive.entries()) {
    if (entry.ends_with("/data.pkl")) return std::string(archive.read(entry));
  }
  throw Error("{}: a zip archive without data.pkl; use the published file", name);
}

/// Returns the pickle in a file that numpy.save wrote from an object: it follows a header with a
/// length field of two bytes (version 1) or four.
std::string pickle_of_npy(const std::string& bytes, const std::string& name) {
  const std::size_t length_at = kNumpyMagic.size() + 2;
  const bool version1 = bytes.size() > length_at && bytes[kNumpyMagic.size()] == 1;
  const std::size_t length_bytes = version1 ? 2 : 4;
  require(bytes.size() >= length_at + length_bytes, "{}: cut short; fetch it again", name);
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + length_at, length_bytes);
  const std::size_t begin = length_at + length_bytes + length;
  require(begin <= bytes.size(), "{}: cut short; fetch it again", name);
  require(bytes.substr(0, begin).find("|O") != std::string::npos,
          "{}: an array of numbers, where a dict of label arrays is expected; use the published "
          "file",
          name);
  return bytes.substr(begin);
}

std::vector<std::int64_t> labels_of(const PickleValue& array, const std::string& key,
                                    std::int64_t num_classes, std::int64_t count,
                                    const std::string& name) {
  const auto bytes = static_cast<std::size_t>(count) * sizeof(std::int64_t);
  require(array.kind == PickleValue::Kind::kArray && array.dtype == "i8" &&
              array.items.size() == 1 && array.items[0]->integer == count &&
              array.text.size() == bytes,
          "{}: \"{}\" is not an array of {} int64 labels, one for each training image", name, key,
          count);
  std::vector<std::int64_t> labels(static_cast<std::size_t>(count));
  std::memcpy(labels.data(), array.text.data(), bytes);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    require(labels[i] >= 0 && labels[i] < num_classes,
            "{}: label {} of \"{}\" is {}, where an integer from 0 to {} is expected", name, i, key,
            labels[i], num_classes - 1);
  }
  return labels;
}

}  // namespace

std::vector<std::int64_t> read_human_labels(const fs::path& path, HumanSet set,
                                            std::int64_t num_classes, std::int64_t count) {
  const fs::path file = find_file(path, set, num_classes);
  const std::string name = file.string();
  std::string bytes = read_file(file);
  const bool zip = bytes.starts_with("PK");
  if (!zip && !bytes.starts_with(kNumpyMagic)) return read_noise_file(file, count, num_classes);
  const Pickle pickle(zip ? pickle_of_archive(std::move(bytes), name) : pickle_of_npy(bytes, name),
                      name);
  // numpy.save turns the dict into an array of one object.
  const PickleValue& root = pickle.root();
  const bool wrapped = root.kind == PickleValue::Kind::kList && root.items.size() == 1;
  const std::string key = published_key(set, num_classes);
  const PickleValue* array = (wrapped ? *root.items[0] : root).find(key);
  require(array != nullptr, "{}: it has no entry \"{}\"; use the published file", name, key);
  return labels_of(*array, key, num_classes, count, name);
}

}  // namespace bptplr
