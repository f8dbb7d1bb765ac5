"""Builds the store of the networks that `latent-rag store build` names, shipped ones else."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.identity.input_format import InputFormat, resized
from latent_rag_ros.identity.own_embedder import FittedEmbedder, load_own_embedder
from latent_rag_ros.latent_rag.encoder import load_encoder
from latent_rag_ros.latent_rag.generator import CODE_DIMENSION, LAYERS, load_generator
from latent_rag_ros.latent_rag.inversion import invert
from latent_rag_ros.latent_rag.own_generator import load_own_generator
from latent_rag_ros.latent_rag.person_folder import batches, person_pictures
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, GENERATOR_FILE
from latent_rag_ros.latent_rag.store import RetrievalStore
from latent_rag_ros.latent_rag.store_builder import Reconstruction, build_store, reconstruction
from latent_rag_ros.protection.own_models import SHIPPED_FORMAT, shipped_embedder
from latent_rag_ros.weights.registry import WeightsError, sha256_of, weights_file
from latent_rag_ros.weights.torchscript import fingerprint_of, last_line, load_torchscript

ENCODER_FILE = 'encoder.safetensors'
Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class StoreOptions:
    """The networks of a store, as on the command line; None takes the shipped one."""

    embedder: Path | None = None
    embedder_size: tuple[int, int] = (0, 0)
    normalisation: str = 'imagenet'
    colour_order: str = 'rgb'
    generator: Path | None = None
    generator_range: str = 'unit'
    encoder: Path | None = None
    encoder_size: tuple[int, int] | None = None
    invert: int = 0
    code_shape: tuple[int, int] | None = None
    weights: Path | None = None
    device: str = 'cpu'


def build_own_store(folder: Path, options: StoreOptions) -> tuple[RetrievalStore, Reconstruction]:
    """Return the store of a folder of person crops, and how well its codes draw them.

    Raises
    ------
    WeightsError
        A network is unusable, networks do not fit each other, or there is no way to a code.
    PersonFolderError
        The folder holds no pictures.
    """
    pictures = person_pictures(folder)
    embedder = _embedder(options)
    probe, _ = next(batches(pictures, embedder.input_format.size_px, 4))
    if options.invert:
        if options.generator is None or options.code_shape is None:
            raise WeightsError('--invert finds codes for a generator of your own; give '
                               '--generator and its --code-shape')
        encoder_sha256 = f'inversion, {options.invert} steps'
        example, encode = torch.zeros(1, *options.code_shape), None
    else:
        encode, encoder_sha256 = _encoder(options)
        example = _tried(encode, probe.to(options.device), options)
    generator, generator_sha256 = _generator(options, example)
    with torch.no_grad():
        size_px = tuple(generator(example.to(options.device)).shape[2:])
    if encode is None:
        def encode(crops: Tensor) -> Tensor:
            return invert(generator, embedder.embed, resized(crops, size_px), example.shape[1:],
                          options.invert)
    made_with = {EMBEDDER_FILE: embedder.fingerprint, GENERATOR_FILE: generator_sha256,
                 ENCODER_FILE: encoder_sha256}
    # pictures in the largest size that a network looks at; each one scales them to its own
    sizes = zip(size_px, embedder.input_format.size_px, options.encoder_size or (0, 0))
    largest = tuple(max(sides) for sides in sizes)
    count = -(-len(pictures) // 32)
    store = build_store(tqdm(batches(pictures, largest), desc='store', total=count),
                        embedder.embed, encode, made_with, options.device)
    first, _ = next(batches(pictures, size_px))
    return store, reconstruction(store, first.to(options.device), generator, embedder.embed)


def _embedder(options: StoreOptions) -> FittedEmbedder:
    if options.embedder is None:
        path = weights_file(EMBEDDER_FILE, options.weights)
        return shipped_embedder(load_embedder(path, options.device), sha256_of(path))
    wanted = InputFormat(*options.embedder_size, options.normalisation, options.colour_order)
    return load_own_embedder(options.embedder, wanted, options.device)


def _encoder(options: StoreOptions) -> tuple[Function, str]:
    """Return the encoder, which takes crops of any size, and its hash."""
    size_px = options.encoder_size or SHIPPED_FORMAT.size_px
    if options.encoder is not None:
        network = load_torchscript(options.encoder, options.device)
        scale, shift = (2.0, -1.0) if options.generator_range == 'signed' else (1.0, 0.0)
        sha256 = fingerprint_of(options.encoder, (size_px, options.generator_range))
    elif options.generator is None:
        path = weights_file(ENCODER_FILE, options.weights)
        network, sha256, scale, shift = load_encoder(path, options.device), sha256_of(path), 1., 0.
    else:
        raise WeightsError(
            f'--generator {options.generator} has no encoder: the shipped one makes codes of the '
            'shipped generator. Give --encoder, or find codes by optimisation with --invert 300 '
            '--code-shape LxD')

    @torch.no_grad()
    def encode(crops: Tensor) -> Tensor:
        return network(resized(crops, size_px) * scale + shift)

    return encode, sha256


def _tried(encode: Function, crops: Tensor, options: StoreOptions) -> Tensor:
    """Return the codes of a few crops after checking that they are codes."""
    try:
        codes = encode(crops)
    except RuntimeError as error:
        raise WeightsError(f'the encoder fails ({last_line(error)}); set --encoder-size to what '
                           'it was trained with') from error
    shape = tuple(codes.shape) if isinstance(codes, Tensor) else type(codes).__name__
    if not isinstance(codes, Tensor) or codes.ndim != 3 or len(codes) != len(crops):
        raise WeightsError(f'--encoder {options.encoder} returns {shape} for {len(crops)} '
                           f'pictures, expected ({len(crops)}, L, D); export it that way')
    return codes


def _generator(options: StoreOptions, codes: Tensor) -> tuple[Function, str]:
    """Return the generator, tried on the codes, and its hash."""
    if options.generator is not None:
        own = load_own_generator(options.generator, codes, options.generator_range,
                                 options.device)
        return own, own.fingerprint
    path = weights_file(GENERATOR_FILE, options.weights)
    if codes.shape[1:] != (LAYERS, CODE_DIMENSION):
        raise WeightsError(f'the encoder makes codes of shape {tuple(codes.shape[1:])}, the '
                           f'shipped generator draws {(LAYERS, CODE_DIMENSION)}; give --generator')
    return load_generator(path, options.device), sha256_of(path)
