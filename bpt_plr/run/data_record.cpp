#include "bpt_plr/run/data_record.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <unordered_map>
#include <utility>

#include "data/csv.hpp"
#include "engine/error.hpp"
#include "engine/io/hash.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

constexpr const char* kHeading = "split,path,label,hash";

std::vector<std::uint64_t> hashes_of(const Split& split) {
  if (!split.hashes.empty()) return split.hashes;
  std::vector<std::uint64_t> hashes(static_cast<std::size_t>(split.size()));
  kernels::parallel_for(split.size(), 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      hashes[static_cast<std::size_t>(i)] = hash_bytes(split.sample(i));
    }
  });
  return hashes;
}

/// Returns the path of image i below the data set's folder, or its row.
std::string path_of(const Dataset& dataset, const Split& split, std::size_t i) {
  if (split.files.empty()) {
    const auto& kept = split.listed.kept;
    return fmt::format("#{}", kept.empty() ? static_cast<std::int64_t>(i) : kept[i]);
  }
  const std::filesystem::path file(split.files[i]);
  const std::filesystem::path below = file.lexically_relative(dataset.root);
  const bool is_below = !below.empty() && *below.begin() != "..";
  return (is_below ? below : file).generic_string();
}

std::vector<RecordedImage> record_split(const Dataset& dataset, const Split& split) {
  const std::vector<std::uint64_t> hashes = hashes_of(split);
  std::vector<RecordedImage> images;
  images.reserve(hashes.size());
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    images.push_back({path_of(dataset, split, i),
                      dataset.class_names[static_cast<std::size_t>(split.labels[i])], hashes[i]});
  }
  return images;
}

std::uint64_t parse_hash(const CsvRow& row, const std::string& name) {
  const std::string& text = row.fields[3];
  std::uint64_t hash = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hash, 16);
  require(error == std::errc() && end == text.data() + text.size(),
          "{}, line {}: '{}' is no hash; the file is damaged, restore or remove it", name, row.line,
          text);
  return hash;
}

/// Matches what a key tells to be the same, of those that nothing has been matched with so far.
class Matcher {
 public:
  Matcher(std::span<const RecordedImage> recorded, std::span<const RecordedImage> now)
      : recorded_(recorded), now_(now), taken_(now.size()), places_(recorded.size(), -1) {}

  template <class Key>
  void match(Key&& key) {
    std::unordered_multimap<std::uint64_t, std::size_t> free;
    for (std::size_t i = now_.size(); i-- > 0;) {  // equal keys come out in the order of the images
      if (!taken_[i]) free.emplace(key(now_[i]), i);
    }
    for (std::size_t i = 0; i < recorded_.size() && !free.empty(); ++i) {
      if (places_[i] >= 0) continue;
      const auto found = free.find(key(recorded_[i]));
      if (found == free.end()) continue;
      places_[i] = static_cast<std::int64_t>(found->second);
      taken_[found->second] = true;
      free.erase(found);
    }
  }

  const std::vector<bool>& taken() const { return taken_; }
  std::vector<std::int64_t> take_places() { return std::move(places_); }

 private:
  std::span<const RecordedImage> recorded_;
  std::span<const RecordedImage> now_;
  std::vector<bool> taken_;
  std::vector<std::int64_t> places_;
};

/// Counts changes of one kind, of which it keeps the first for a sentence.
struct Kind {
  std::int64_t count = 0;
  std::string first;

  template <class... Args>
  void add(fmt::format_string<Args...> text, Args&&... args) {
    if (count++ == 0) first = fmt::format(text, std::forward<Args>(args)...);
  }
  void append_to(std::string& sentence, std::string_view what) const {
    if (count == 0) return;
    sentence += fmt::format("{}{} {} ({})", sentence.empty() ? "" : ", ", count, what, first);
  }
};

struct Changes {
  Kind relabelled, moved, replaced, deleted, added;

  void add(const RecordedImage& then, const RecordedImage& now) {
    if (then.path != now.path) {
      moved.add("{} is now {}", then.path, now.path);
    } else if (then.label != now.label) {
      relabelled.add("{} was {}, now {}", then.path, then.label, now.label);
    }
  }
  std::string sentence() const {
    std::string text;
    moved.append_to(text, "moved");
    relabelled.append_to(text, "with another label");
    replaced.append_to(text, "with other pixels");
    deleted.append_to(text, "no longer there");
    added.append_to(text, "added");
    return text;
  }
};

}  // namespace

DataRecord record_data(const Dataset& dataset) {
  return {record_split(dataset, dataset.train), record_split(dataset, dataset.test)};
}

std::string to_csv(const DataRecord& record) {
  std::string text = fmt::format("{}\n", kHeading);
  for (const auto& [split, images] :
       {std::pair("train", &record.train), std::pair("test", &record.test)}) {
    for (const RecordedImage& image : *images) {
      text += fmt::format("{},{},{},{:016x}\n", split, csv_field(image.path),
                          csv_field(image.label), image.hash);
    }
  }
  return text;
}

DataRecord parse_data_record(std::string_view text, const std::string& name) {
  require(text.starts_with(kHeading),
          "{}: it does not begin with {}, so it is not what a run writes; restore or remove it",
          name, kHeading);
  DataRecord record;
  std::vector<CsvRow> rows = parse_csv(text, name);
  for (auto row = rows.begin() + 1; row != rows.end(); ++row) {
    const bool is_test = row->fields[0] == "test";
    require(row->fields.size() == 4 && (is_test || row->fields[0] == "train"),
            "{}, line {}: not what a run writes; restore or remove the file", name, row->line);
    const std::uint64_t hash = parse_hash(*row, name);
    (is_test ? record.test : record.train)
        .push_back({std::move(row->fields[1]), std::move(row->fields[2]), hash});
  }
  return record;
}

DataMatch match_images(std::span<const RecordedImage> recorded, std::span<const RecordedImage> now,
                       bool is_all) {
  Matcher matcher(recorded, now);
  const auto with_path = [](const RecordedImage& i) { return hash_bytes(i.path, i.hash); };
  matcher.match([&](const RecordedImage& i) { return hash_bytes(i.label, with_path(i)); });
  matcher.match(with_path);
  matcher.match([](const RecordedImage& i) { return hash_bytes(i.label, i.hash); });
  matcher.match([](const RecordedImage& i) { return i.hash; });
  DataMatch match;
  match.places = matcher.take_places();

  Changes changes;
  std::unordered_map<std::string_view, std::size_t> unknown;  // images of now, by path
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (!matcher.taken()[i]) unknown.emplace(now[i].path, i);
  }
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    const std::int64_t place = match.places[i];
    if (place >= 0) {
      changes.add(recorded[i], now[static_cast<std::size_t>(place)]);
    } else if (unknown.erase(recorded[i].path) > 0) {
      changes.replaced.add("{}", recorded[i].path);
    } else {
      changes.deleted.add("{}", recorded[i].path);
    }
  }
  for (std::size_t i = 0; is_all && i < now.size(); ++i) {
    if (unknown.contains(now[i].path) && !matcher.taken()[i]) changes.added.add("{}", now[i].path);
  }
  match.lost = changes.replaced.count + changes.deleted.count;
  match.moved = changes.moved.count + changes.relabelled.count;
  match.added = changes.added.count;
  match.changes = changes.sentence();
  return match;
}

}  // namespace bptplr
