"""The companion on WhatsApp, as an application that an ASGI server such as uvicorn runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from ...graph.graph import graph_builder
from ...graph.state import Services
from ...settings import Settings
from .whatsapp_response import whatsapp_router

REQUIRED = ("WHATSAPP_TOKEN", "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_VERIFY_TOKEN")


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application: ``/whatsapp_response`` is the webhook, ``/health`` says that it is there.

    It does not start if a setting that it needs is missing: the ValueError names it.

    Args:
        settings: Read from the environment when the application starts if None.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        current = settings or Settings()
        for name in REQUIRED:
            value = getattr(current, name)
            if not (value if isinstance(value, str) else value.get_secret_value()):
                raise ValueError(f"{name} is not set: put it into the environment or into .env")
        services = Services.open(current)
        try:
            async with (
                AsyncSqliteSaver.from_conn_string(current.SHORT_TERM_MEMORY_DB_PATH) as short_term_memory,
                httpx.AsyncClient(timeout=current.WHATSAPP_TIMEOUT_SECONDS) as client,
            ):
                app.state.services = services
                app.state.whatsapp_client = client
                app.state.graph = graph_builder.compile(checkpointer=short_term_memory)
                yield
        finally:
            await services.close()

    app = FastAPI(title="Mira on WhatsApp", lifespan=lifespan)
    app.include_router(whatsapp_router)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


app = create_app()
