// Every network that a recipe can name can be made from its row.
#include "models/network_table.hpp"

#include <gtest/gtest.h>

namespace bptplr {
namespace {

TEST(NetworkTable, HasARowForEveryNetwork) {
  for (const auto& [arch, name] : names_of(Arch{})) {
    SCOPED_TRACE(name);
    EXPECT_EQ(network_kind(arch).arch, arch);
    NetworkConfig config{.arch = arch, .heads = {7, 8}, .width = 2, .blocks = {1, 1, 1, 1}};
    const auto network = make_network(config, 1, 0);
    EXPECT_EQ(network->heads().num_classes, 7);
    EXPECT_EQ(network->prototypes().shape(), (Shape{7, 8}));
  }
}

TEST(NetworkTable, NetworksTakeTheImagesThatTheirRowsSay) {
  const NoGrad no_grad;
  for (const auto& [arch, name] : names_of(Arch{})) {
    SCOPED_TRACE(name);
    const auto network =
        make_network({.arch = arch, .heads = {3, 8}, .width = 2, .blocks = {1, 1, 1, 1}}, 1, 0);
    const auto check = network_kind(arch).check_images;
    if (check != nullptr) {
      EXPECT_NO_THROW(check(32, 32));
    }
    EXPECT_EQ(network->classify(Tensor::zeros({1, 32, 32, 3}), {}).size(1), 3);
  }
}

}  // namespace
}  // namespace bptplr
