"""SegFormer written once more in plain torch, with the names of Hugging Face's files.

An independent judge of `models.segformer` and `models.imported`: tokens in a row, a head for
each class map, interpolation before the mixing layer, all as the paper draws it.
"""

import torch
from torch import nn
from torch.nn import functional


def _tree(**children):
    return nn.ModuleDict(children)


class Published(nn.Module):
    """State dict as `SegformerForSemanticSegmentation.save_pretrained` writes it."""

    def __init__(self, widths, depths, features, classes, heads=(1, 2, 5, 8), eps=1e-5):
        super().__init__()
        self.heads, self.ratios = heads, (8, 4, 2, 1)
        before = (3, *widths[:-1])
        norm = lambda width: nn.LayerNorm(width, eps=eps)  # noqa: E731
        embeddings = nn.ModuleList(
            _tree(
                proj=nn.Conv2d(a, b, 7 if not i else 3, 4 if not i else 2, 3 if not i else 1),
                layer_norm=norm(b),
            )
            for i, (a, b) in enumerate(zip(before, widths, strict=True))
        )
        blocks = nn.ModuleList(
            nn.ModuleList(self._block(width, ratio, norm) for _ in range(depth))
            for width, depth, ratio in zip(widths, depths, self.ratios, strict=True)
        )
        norms = nn.ModuleList(norm(width) for width in widths)
        encoder = _tree(patch_embeddings=embeddings, block=blocks, layer_norm=norms)
        self.segformer = _tree(encoder=encoder)
        self.decode_head = _tree(
            linear_c=nn.ModuleList(_tree(proj=nn.Linear(width, features)) for width in widths),
            linear_fuse=nn.Conv2d(4 * features, features, 1, bias=False),
            batch_norm=nn.BatchNorm2d(features),
            classifier=nn.Conv2d(features, classes, 1),
        )

    @staticmethod
    def _block(width, ratio, norm):
        own = {name: nn.Linear(width, width) for name in ("query", "key", "value")}
        if ratio > 1:
            own |= {"sr": nn.Conv2d(width, width, ratio, ratio), "layer_norm": norm(width)}
        wide = 4 * width
        dwconv = _tree(dwconv=nn.Conv2d(wide, wide, 3, padding=1, groups=wide))
        return _tree(
            layer_norm_1=norm(width),
            attention=nn.ModuleDict(
                {"self": nn.ModuleDict(own), "output": _tree(dense=nn.Linear(width, width))}
            ),
            layer_norm_2=norm(width),
            mlp=_tree(dense1=nn.Linear(width, wide), dwconv=dwconv, dense2=nn.Linear(wide, width)),
        )

    def forward(self, image):
        encoder, size, pyramid = self.segformer["encoder"], image.shape[2:], []
        for stage, embed in enumerate(encoder["patch_embeddings"]):
            image = embed["proj"](image)
            grid = image.shape[2:]
            tokens = embed["layer_norm"](image.flatten(2).transpose(1, 2))
            for block in encoder["block"][stage]:
                tokens = tokens + self._attend(block, tokens, grid, stage)
                tokens = tokens + self._mix(block, tokens, grid)
            tokens = encoder["layer_norm"][stage](tokens)
            image = tokens.transpose(1, 2).unflatten(2, grid)
            pyramid.append(image)
        return functional.interpolate(self._decode(pyramid), size, mode="bilinear")

    def _attend(self, block, tokens, grid, stage):
        tokens = block["layer_norm_1"](tokens)
        own, memory = block["attention"]["self"], tokens
        if "sr" in own:
            memory = own["sr"](tokens.transpose(1, 2).unflatten(2, grid))
            memory = own["layer_norm"](memory.flatten(2).transpose(1, 2))
        sources = {"query": tokens, "key": memory, "value": memory}
        query, key, value = (
            own[name](source).unflatten(-1, (self.heads[stage], -1)).transpose(1, 2)
            for name, source in sources.items()
        )
        scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        return block["attention"]["output"]["dense"](mixed)

    def _mix(self, block, tokens, grid):
        mlp = block["mlp"]
        wide = mlp["dense1"](block["layer_norm_2"](tokens))
        wide = mlp["dwconv"]["dwconv"](wide.transpose(1, 2).unflatten(2, grid))
        return mlp["dense2"](functional.gelu(wide.flatten(2).transpose(1, 2)))

    def _decode(self, pyramid):
        head, size, parts = self.decode_head, pyramid[0].shape[2:], []
        for level, layer in zip(pyramid, head["linear_c"], strict=True):
            flat = layer["proj"](level.flatten(2).transpose(1, 2)).transpose(1, 2)
            parts.append(
                functional.interpolate(flat.unflatten(2, level.shape[2:]), size, mode="bilinear")
            )
        mixed = head["linear_fuse"](torch.cat(parts[::-1], dim=1))
        return head["classifier"](functional.relu(head["batch_norm"](mixed)))


def stirred(network):
    """Move every number off its first value, so that no two tensors can be mistaken."""
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.05 * torch.randn_like(value))
        for name, value in network.named_buffers():
            if "running" in name:
                value.copy_(torch.rand_like(value) + 0.5)
    return network.eval()
