#include "bpt_plr/run/embedder.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "data/sets/features.hpp"
#include "engine/error.hpp"
#include "engine/io/hash.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

/// Images in a forward pass.
constexpr std::int64_t kEmbedBatch = 32;
/// Of ImageNet, by which torchvision's weights want their images normalised.
const std::vector<float> kImageNetMean{0.485F, 0.456F, 0.406F};
const std::vector<float> kImageNetStd{0.229F, 0.224F, 0.225F};

std::uint64_t hash_of(const void* data, std::size_t bytes, std::uint64_t seed) {
  return hash_bytes(std::span(static_cast<const std::uint8_t*>(data), bytes), seed);
}

}  // namespace

Recipe recipe_for_weights(Recipe recipe, const nlohmann::json& given) {
  recipe.dataset = DatasetKind::kFolder;
  const bool is_large = recipe.arch == Arch::kResNet50 || recipe.arch == Arch::kVgg19Bn;
  if (!given.contains("image_size")) recipe.image_size = is_large ? 256 : 32;
  if (!given.contains("crop")) recipe.crop = is_large ? 224 : 0;
  if (!given.contains("pool_side") && recipe.arch == Arch::kVgg19Bn) recipe.pool_side = 1;
  if (recipe.exif == UseExif::kAuto) recipe.exif = UseExif::kTrue;
  return recipe;
}

Embedder::Embedder(const std::filesystem::path& run, DeviceChoice device) {
  const RunFolder folder = RunFolder::open(run);
  recipe_ = recipe_of_run(folder, device);
  about_ = folder.read_classes();
  require(!about_.train.has_vectors(),
          "the run in {} was trained on features itself; name one that was trained on images",
          run.string());
  networks_ = load_networks(folder, recipe_);
  side_ = about_.train.images.height;
  measure();
}

Embedder::Embedder(Recipe recipe) : recipe_(std::move(recipe)) {
  about_.mean = kImageNetMean;
  about_.std = kImageNetStd;
  recipe_.num_class = 2;  // of a classifier that nobody asks
  recipe_.low_dim = 1;
  recipe_.networks = 1;
  resolve_network(recipe_);
  side_ = static_cast<int>(recipe_.image_size);
  const std::int64_t side = recipe_.crop == 0 ? side_ : recipe_.crop;
  check_images(recipe_, side, side);
  networks_.push_back(make_network(recipe_, 0));
  report_ = load_pretrained(recipe_.pretrained, pointers_to(networks_));
  measure();
}

/// Asks the networks for the features of an empty image.
void Embedder::measure() {
  const auto pixels = static_cast<std::size_t>(side_) * static_cast<std::size_t>(side_) * 3;
  dim_ = embed(Images::in_memory(side_, side_, std::vector<std::uint8_t>(pixels))).size(1);
  require(dim_ <= kMaxFeatures,
          "the network has {} features, but a set of features has {} at most; use a smaller "
          "--width, or --pool_side 1",
          dim_, kMaxFeatures);
}

std::uint64_t Embedder::hash() const {
  std::uint64_t hash = 0;
  for (const auto& network : networks_) {
    for (const auto& [name, tensor] : network->named().state_dict()) {
      hash = hash_of(tensor.raw(),
                     static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype()), hash);
    }
  }
  const std::int64_t views[] = {side_, recipe_.crop, recipe_.exif == UseExif::kTrue ? 1 : 0};
  hash = hash_of(views, sizeof views, hash);
  hash = hash_of(about_.mean.data(), about_.mean.size() * sizeof(float), hash);
  return hash_of(about_.std.data(), about_.std.size() * sizeof(float), hash);
}

Tensor Embedder::embed(const Images& images) const {
  const NoGrad no_grad;
  const Split split{.images = images, .labels = {}};
  const auto views = make_view_maker(recipe_, about_, split);
  std::vector<Tensor> parts;
  for (std::int64_t first = 0; first < images.count; first += kEmbedBatch) {
    std::vector<std::int64_t> batch(
        static_cast<std::size_t>(std::min(kEmbedBatch, images.count - first)));
    std::iota(batch.begin(), batch.end(), first);
    const Tensor x = views->empty(std::ssize(batch));
    views->make(batch, View::kTest, {}, x);
    std::vector<Tensor> features;
    std::int64_t dim = 0;
    for (const auto& network : networks_) {
      features.push_back(network->embed(x).to(DType::kFloat32).to(Device{}));
      dim += features.back().size(1);
    }
    Tensor side_by_side = Tensor::empty({std::ssize(batch), dim});
    for (std::int64_t i = 0; i < std::ssize(batch); ++i) {
      float* to = side_by_side.rows(i, i + 1).data<float>();
      for (const Tensor& of : features) {
        const auto from = of.rows(i, i + 1).span<float>();
        to = std::copy(from.begin(), from.end(), to);
      }
    }
    parts.push_back(side_by_side);
  }
  return concat(parts);
}

}  // namespace bptplr
