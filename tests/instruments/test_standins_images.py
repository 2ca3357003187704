"""The stand-ins of the picture and the embedding service, driven by httpx."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from kata.instruments.standins import EmbeddingsStandIn, ImagesStandIn, StandIn, providers


@pytest.fixture
def images() -> Iterator[ImagesStandIn]:
    with ImagesStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def embeddings() -> Iterator[EmbeddingsStandIn]:
    with EmbeddingsStandIn() as stand_in:
        yield stand_in


def post(stand_in: StandIn, path: str, **fields: Any) -> httpx.Response:
    headers = {"authorization": "Bearer key-of-the-test"}
    return httpx.post(f"{stand_in.base_url}{path}", headers=headers, json={"model": "m", **fields})


def drawn(images: ImagesStandIn, prompt: str = "a lake", **fields: Any) -> list[bytes]:
    answer = post(images, "/v1/images/generations", prompt=prompt, **fields)
    assert answer.is_success, answer.text
    return [base64.b64decode(picture["b64_json"], validate=True) for picture in answer.json()["data"]]


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the unpacked rows of a PNG, its checksums verified."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, position = {}, 8
    while position < len(png):
        length, kind = struct.unpack(">I4s", png[position : position + 8])
        data, (check,) = (
            png[position + 8 : position + 8 + length],
            struct.unpack(">I", png[position + 8 + length :][:4]),
        )
        assert check == zlib.crc32(kind + data)
        chunks[kind], position = data, position + 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    return width, height, zlib.decompress(chunks[b"IDAT"])


def test_a_picture_is_a_real_png_of_the_size_asked_for(images: ImagesStandIn) -> None:
    (png,) = drawn(images, width=40, height=24)
    width, height, rows = pixels(png)
    assert (width, height) == (40, 24)
    assert len(rows) == 24 * (1 + 40 * 3)


def test_the_same_prompt_draws_the_same_picture_and_another_does_not(images: ImagesStandIn) -> None:
    assert drawn(images) == drawn(images)
    assert drawn(images, "a hill") != drawn(images)


def test_what_it_would_draw_can_be_asked_for_without_a_request(images: ImagesStandIn) -> None:
    assert drawn(images) == [images.drawing("a lake")]


def test_n_pictures_are_different(images: ImagesStandIn) -> None:
    assert len(set(drawn(images, n=3))) == 3


def test_the_answer_has_togethers_members(images: ImagesStandIn) -> None:
    answer = post(images, "/v1/images/generations", prompt="a lake", n=2).json()
    assert (answer["object"], answer["model"]) == ("list", "m")
    assert [picture["index"] for picture in answer["data"]] == [0, 1]


@pytest.mark.parametrize(
    "fields", [{"prompt": ""}, {}, {"prompt": "a", "width": 0}, {"prompt": "a", "n": 9}, {"prompt": "a", "height": "x"}]
)
def test_a_picture_that_cannot_be_drawn_is_a_400(images: ImagesStandIn, fields: dict[str, Any]) -> None:
    answer = post(images, "/v1/images/generations", **fields)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def embedded(embeddings: EmbeddingsStandIn, *texts: str, **fields: Any) -> list[list[float]]:
    answer = post(embeddings, "/v1/embeddings", input=list(texts), **fields)
    assert answer.is_success, answer.text
    return [item["embedding"] for item in answer.json()["data"]]


def test_a_vector_has_length_one_and_256_dimensions(embeddings: EmbeddingsStandIn) -> None:
    vectors = embedded(embeddings, "I live in Berlin", "…", "a", "日本語")
    assert all(len(vector) == 256 and math.isclose(math.hypot(*vector), 1.0) for vector in vectors)


def test_the_dimensions_can_be_chosen(embeddings: EmbeddingsStandIn) -> None:
    (vector,) = embedded(embeddings, "I live in Berlin", dimensions=64)
    assert len(vector) == 64


def test_texts_with_common_words_are_nearer(embeddings: EmbeddingsStandIn) -> None:
    asked, right, *wrong = embedded(
        embeddings,
        "Where does the user live?",
        "The user lives in Berlin near the lake.",
        "The dog is called Rex.",
        "He plays the violin on Sundays.",
    )
    nearness = [
        math.sumprod(asked, other) if hasattr(math, "sumprod") else sum(map(float.__mul__, asked, other))
        for other in (right, *wrong)
    ]
    assert nearness[0] > max(nearness[1:])


def test_one_text_and_a_list_of_one_are_alike(embeddings: EmbeddingsStandIn) -> None:
    single = post(embeddings, "/v1/embeddings", input="hello").json()
    assert single["data"][0]["embedding"] == embedded(embeddings, "hello")[0]
    assert (single["object"], single["data"][0]["object"]) == ("list", "embedding")
    assert single["usage"]["prompt_tokens"] == single["usage"]["total_tokens"] > 0


def test_base64_holds_the_same_vector(embeddings: EmbeddingsStandIn) -> None:
    packed = post(embeddings, "/v1/embeddings", input="hello", encoding_format="base64").json()["data"][0]["embedding"]
    vector = struct.unpack("<256f", base64.b64decode(packed))
    assert vector == pytest.approx(embedded(embeddings, "hello")[0])


@pytest.mark.parametrize(
    "fields", [{"input": ""}, {"input": []}, {"input": ["a", ""]}, {"input": "a", "dimensions": 0}, {}]
)
def test_what_cannot_be_embedded_is_a_400(embeddings: EmbeddingsStandIn, fields: dict[str, Any]) -> None:
    answer = post(embeddings, "/v1/embeddings", **fields)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("name", ["images", "embeddings"])
def test_keys_and_faults_are_in_openais_words(name: str) -> None:
    with providers(name) as started:
        stand_in = getattr(started, name)
        path = {"images": "/v1/images/generations", "embeddings": "/v1/embeddings"}[name]
        missing = httpx.post(f"{stand_in.base_url}{path}", json={})
        assert (missing.status_code, missing.json()["error"]["code"]) == (401, "invalid_api_key")
        stand_in.fail(status=429, retry_after=0.5)
        limited = post(stand_in, path)
        assert (limited.headers["retry-after"], limited.json()["error"]["code"]) == ("0.5", "rate_limit_exceeded")
        stand_in.garble()
        with pytest.raises(ValueError, match="Unterminated"):
            post(stand_in, path).json()
