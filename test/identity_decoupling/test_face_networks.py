"""The networks: shapes, where conditions enter, and that codes are what they are said to be."""
from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder
from latent_rag_ros.identity_decoupling.diffusion import NOISE, SIGNAL, clean_estimate
from latent_rag_ros.identity_decoupling.encoder import (
    CodeDecoder, DisentangledEncoder, FaceCodes, pooled)
from latent_rag_ros.identity_decoupling.face_generator import FaceGenerator
from latent_rag_ros.identity_decoupling.face_mesh import FaceMesh
from latent_rag_ros.identity_decoupling.face_size import SIDE_PX
from latent_rag_ros.identity_decoupling.face_structure import pooled_structure
from latent_rag_ros.identity_decoupling.identity_probe import identity_probe
from latent_rag_ros.identity_decoupling.independence import gradient_dependence
from latent_rag_ros.identity_decoupling.unet import FaceUNet


def disturbed(network: nn.Module) -> nn.Module:
    """Return a network whose zero-initialised layers do something."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


def test_encoder_gives_a_direction_and_a_map() -> None:
    codes = DisentangledEncoder()(torch.rand(2, 3, SIDE_PX, SIDE_PX))
    torch.testing.assert_close(codes.direction.norm(dim=1), torch.ones(2))
    assert codes.attributes.shape == (2, 16, 16, 16) and pooled(codes.attributes).shape == (2, 64)
    identity, attributes = codes.sampled()
    assert identity.shape == (2, 256) and attributes.shape == (2, 16, 16, 16)
    assert CodeDecoder()(identity, attributes).shape == (2, 3, SIDE_PX, SIDE_PX)


def test_divergence_is_zero_for_the_standard_normal() -> None:
    zero, flat = torch.zeros(2, 256), torch.zeros(2, 16, 16, 16)
    assert [float(part) for part in FaceCodes(zero, zero, flat, flat).divergence()] == [0, 0]


def test_latents_have_unit_variance_with_their_scale() -> None:
    autoencoder, faces = disturbed(FaceAutoencoder()), torch.rand(2, 3, SIDE_PX, SIDE_PX)
    with torch.no_grad():
        autoencoder.scale.copy_(1 / autoencoder.moments(faces)[0].std())
        latents = autoencoder.encode(faces)
        assert latents.shape == (2, 16, 16, 16) and float(latents.std()) == pytest.approx(1, 1e-3)
        torch.testing.assert_close(autoencoder.decode(latents), autoencoder.decode_unscaled(
            autoencoder.moments(faces)[0]))


def test_denoiser_listens_to_every_condition() -> None:
    unet = disturbed(FaceUNet())
    latents, attributes = torch.randn(1, 16, 16, 16), torch.randn(1, 70, 16, 16)
    identity = nn.functional.normalize(torch.randn(2, 1, 256), dim=2)
    time = torch.tensor([500])
    map_alone = (torch.arange(70) < 16).float().view(1, 70, 1, 1)
    with torch.no_grad():
        found = unet(latents, time, identity[0], attributes)
        assert found.shape == latents.shape
        for other in (unet(latents, time, identity[1], attributes),
                      unet(latents, time + 100, identity[0], attributes),
                      unet(latents, time, identity[0], attributes + map_alone),
                      unet(latents, time, identity[0], attributes + 1 - map_alone),
                      unet(latents, time, identity[0], attributes, torch.tensor([True]))):
            assert not torch.allclose(other, found)
        dropped = [unet(latents, time, one, attributes, torch.tensor([True])) for one in identity]
        assert torch.equal(*dropped)


def test_noise_follows_from_the_velocity() -> None:
    unet, latents = disturbed(FaceUNet()), torch.randn(1, 16, 16, 16)
    conditions = nn.functional.normalize(torch.randn(1, 256)), torch.randn(1, 70, 16, 16)
    times = torch.tensor([999])
    with torch.no_grad():
        velocity = unet.velocity(latents, times, *conditions)
        clean = clean_estimate(latents, times, unet(latents, times, *conditions))
    torch.testing.assert_close(clean, SIGNAL[999] * latents - NOISE[999] * velocity,
                               atol=1e-4, rtol=0)


def test_dependence_is_zero_when_decoding_ignores_the_identity() -> None:
    identity = nn.functional.normalize(torch.randn(4, 8), dim=1)
    attributes = torch.randn(4, 8)
    apart = gradient_dependence(lambda faces: faces, lambda who, rest: rest, identity, attributes)
    mixed = gradient_dependence(lambda faces: faces, lambda who, rest: rest + who, identity,
                                attributes)
    assert float(apart) == 0 and float(mixed) == pytest.approx(1 / 8, rel=0.5)


def test_probe_names_people_only_when_the_codes_do() -> None:
    random = np.random.default_rng(0)
    identities = np.arange(400) % 10
    blind = random.standard_normal((400, 12))
    telling = blind + 3 * random.standard_normal((10, 12))[identities]
    assert identity_probe(telling, identities).accuracy > 0.9
    result = identity_probe(blind, identities)
    assert result.chance == pytest.approx(0.1) and result.accuracy < 0.25
    with pytest.raises(ValueError, match='at least two people'):
        identity_probe(blind[:3], np.arange(3))


@pytest.mark.parametrize(('kind', 'steps'), [('teacher', 3), ('student', 2)])
def test_generator_draws_the_same_face_from_the_same_seed(kind: str, steps: int) -> None:
    generator = FaceGenerator(disturbed(DisentangledEncoder()), disturbed(FaceAutoencoder()),
                              disturbed(FaceUNet()), FaceMesh().eval(), kind, steps)
    originals = torch.rand(2, 3, SIDE_PX, SIDE_PX)
    identity = nn.functional.normalize(torch.randn(2, 256), dim=1)
    faces = generator.faces(originals, identity, 5)
    assert faces.shape == (2, 3, SIDE_PX, SIDE_PX)
    assert 0 <= float(faces.min()) <= float(faces.max()) <= 1
    torch.testing.assert_close(generator.faces(originals, identity, 5), faces)
    assert not torch.allclose(generator.faces(originals, identity, 6), faces)
    assert not torch.allclose(generator.faces(originals, identity.flip(0), 5), faces)


def test_generator_noises_attributes_alike_for_every_picture_of_a_track() -> None:
    networks = [disturbed(network()) for network in (
        DisentangledEncoder, FaceAutoencoder, FaceUNet, FaceMesh)]
    plain, noised = (FaceGenerator(*networks, steps=1, attribute_noise=noise)
                     for noise in (0.0, 2.0))
    identity, seen = nn.functional.normalize(torch.randn(1, 256), dim=1), []
    for generator in (plain, noised):
        generator.unet.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[3]))
    attributes, structure = torch.randn(1, 16, 16, 16), torch.rand(1, 54, 16, 16)
    for generator, seed in ((noised, 1), (noised, 1), (noised, 2)):
        generator.latents(identity, attributes, structure, seed)
    added = [values[:, :16] - attributes for values in seen[::2]]
    assert torch.equal(added[0], added[1]) and not torch.allclose(added[0], added[2])
    assert float(added[0].std()) == pytest.approx(2, rel=0.05)
    assert all(torch.equal(values[:, 16:], structure) for values in seen)
    seen.clear()
    plain.latents(identity, attributes, structure, 1)
    assert torch.equal(seen[0][:, :16], attributes)


def test_codes_hold_all_that_a_face_is_drawn_from() -> None:
    generator = FaceGenerator(*(disturbed(network()) for network in (
        DisentangledEncoder, FaceAutoencoder, FaceUNet, FaceMesh)))
    originals = torch.rand(2, 3, SIDE_PX, SIDE_PX)
    with torch.no_grad():
        direction, attributes = generator.codes(originals)
        structure = generator.structure(originals)
    torch.testing.assert_close(direction.norm(dim=1), torch.ones(2))
    assert attributes.shape == (2, 64 + 24)
    torch.testing.assert_close(attributes[:, 64:], pooled_structure(structure))


def test_generator_refuses_kinds_and_steps_that_do_not_exist() -> None:
    networks = DisentangledEncoder(), FaceAutoencoder(), FaceUNet(), FaceMesh()
    with pytest.raises(ValueError, match='teacher or student'):
        FaceGenerator(*networks, kind='both')
    with pytest.raises(ValueError, match='attribute_noise is -1'):
        FaceGenerator(*networks, attribute_noise=-1.0)
    with pytest.raises(ValueError, match='1 to 4'):
        FaceGenerator(*networks, steps=9).faces(
            torch.rand(1, 3, SIDE_PX, SIDE_PX), torch.ones(1, 256), 0)
