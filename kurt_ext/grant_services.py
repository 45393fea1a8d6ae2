"""The services that ``external_apis`` may name: the packages that speak for each, and its hosts.

A service that is not listed here can be named all the same; then its name alone is compared, and
its hosts belong into ``network_hosts``. Hosts are those of each service's own documentation.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SERVICES", "key", "of_host", "of_package", "service"]

#: Service → (other names of it, packages by their import names, hosts).
_TABLE = """
airtable      |               | pyairtable | api.airtable.com
algolia       |               | algoliasearch | *.algolia.net *.algolianet.com
anthropic     | claude        | anthropic langchain_anthropic | api.anthropic.com
asana         |               | asana | app.asana.com
aws           | s3 | boto3 botocore aioboto3 aiobotocore s3transfer | *.amazonaws.com
azure         |               | azure msal msrest | *.azure.com *.windows.net
cloudflare    |               | cloudflare CloudFlare | api.cloudflare.com
cohere        |               | cohere | api.cohere.com api.cohere.ai
datadog       |               | datadog | *.datadoghq.com *.datadoghq.eu
deepl         |               | deepl | api.deepl.com api-free.deepl.com
deepseek      |               | deepseek | api.deepseek.com
discord       |               | discord nextcord discord_webhook | discord.com *.discord.gg
dropbox       |               | dropbox | *.dropboxapi.com
elevenlabs    |               | elevenlabs | api.elevenlabs.io
frankfurter   |               |  | api.frankfurter.app api.frankfurter.dev
gemini        | google_ai     | google.generativeai google.genai | generativelanguage.googleapis.com
github        |               | github github3 ghapi | api.github.com uploads.github.com
gitlab        |               | gitlab | gitlab.com
google        | google_cloud gcp | google.cloud googleapiclient gspread vertexai | *.googleapis.com
google_maps   |               | googlemaps | maps.googleapis.com
groq          |               | groq | api.groq.com
hubspot       |               | hubspot | api.hubapi.com
huggingface   | hugging_face hf | huggingface_hub | huggingface.co *.huggingface.co *.hf.co
jira          | atlassian     | jira atlassian | *.atlassian.net api.atlassian.com
linear        |               |  | api.linear.app
mailchimp     |               | mailchimp_marketing | *.api.mailchimp.com
mailgun       |               | mailgun | api.mailgun.net api.eu.mailgun.net
mistral       | mistralai     | mistralai | api.mistral.ai
notion        |               | notion_client | api.notion.com
ollama        |               | ollama | localhost:11434 127.0.0.1:11434
open_meteo    |               | openmeteo_requests | *.open-meteo.com
openai        | chatgpt gpt   | openai langchain_openai | api.openai.com
openrouter    |               |  | openrouter.ai
openweather   | openweathermap owm | pyowm | api.openweathermap.org
paypal        |               | paypalrestsdk | api-m.paypal.com api-m.sandbox.paypal.com
pinecone      |               | pinecone | api.pinecone.io *.pinecone.io
posthog       |               | posthog | *.posthog.com
reddit        |               | praw asyncpraw | oauth.reddit.com www.reddit.com
replicate     |               | replicate | api.replicate.com
salesforce    |               | simple_salesforce | login.salesforce.com *.my.salesforce.com
sendgrid      |               | sendgrid | api.sendgrid.com
sentry        |               | sentry_sdk | *.sentry.io
shopify       |               | shopify | *.myshopify.com
slack         |               | slack_sdk slack slack_bolt slackclient | slack.com *.slack.com
spotify       |               | spotipy | api.spotify.com accounts.spotify.com
stripe        |               | stripe | api.stripe.com files.stripe.com
telegram      |               | telegram telebot telethon pyrogram aiogram | api.telegram.org
trello        |               | trello | api.trello.com
twilio        |               | twilio | *.twilio.com
twitter       | x             | tweepy twitter | api.twitter.com api.x.com upload.twitter.com
wandb         | weights_and_biases | wandb | api.wandb.ai
wikipedia     |               | wikipedia wikipediaapi | *.wikipedia.org
wolfram_alpha | wolfram       | wolframalpha | api.wolframalpha.com www.wolframalpha.com
xai           | grok          | xai_sdk | api.x.ai
youtube       |               | pyyoutube | www.googleapis.com youtube.googleapis.com
"""


def key(name: str) -> str:
    """Return a service's name without case, blanks, dots, dashes and underscores."""
    return "".join([letter for letter in name.casefold() if letter not in " .-_"])


def _rows() -> Iterable[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]]:
    for line in _TABLE.strip().splitlines():
        name, others, packages, hosts = line.split("|")
        yield name.strip(), tuple(others.split()), tuple(packages.split()), tuple(hosts.split())


#: Service → (packages, hosts).
SERVICES = {name: (packages, hosts) for name, _, packages, hosts in _rows()}
_KEYS = {key(word): name for name, others, _, _ in _rows() for word in (name, *others)}
_PACKAGES = {package: name for name, (packages, _) in SERVICES.items() for package in packages}


def service(name: str) -> str | None:
    """Return the service of the table that a name means; None where it means none."""
    return _KEYS.get(key(name))


def of_package(name: str) -> str | None:
    """Return the service that a package speaks for, from a dotted name of something in it."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        found = _PACKAGES.get(".".join(parts[:end]))
        if found is not None:
            return found
    return None


def of_host(host: str) -> str | None:
    """Return the service that a host or URL belongs to."""
    from . import grant_hosts

    for name, (_, hosts) in SERVICES.items():
        for one in hosts:
            entry = grant_hosts.parse(one)
            if entry is not None and grant_hosts.covers(entry, host):
                return name
    return None
