"""Services of others that a library speaks for: models, clouds, messengers, payments."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_USES = Meaning("external_api", "high", "external_apis", "uses an external service", "service")

TABLE: Table = (
    (
        _USES,
        """
        openai anthropic cohere mistralai groq replicate ollama litellm deepseek
        google.generativeai google.genai vertexai huggingface_hub ai21 fireworks voyageai xai_sdk
        langchain_openai langchain_anthropic langchain_google_genai langchain_community
        llama_index elevenlabs assemblyai deepgram stability_sdk pinecone weaviate qdrant_client
        chromadb.HttpClient langsmith wandb comet_ml neptune mlflow
        boto3 botocore aioboto3 aiobotocore s3transfer sagemaker
        google.cloud googleapiclient google.oauth2 google_auth_oauthlib google.ads firebase_admin
        gspread pydrive pydrive2 google.auth.default
        azure msal msrest msgraph O365 office365
        oci ibm_boto3 ibm_watson ibm_cloud_sdk_core digitalocean linode_api4 hcloud
        cloudflare CloudFlare heroku3 aliyunsdkcore tencentcloud
        b2sdk minio dropbox boxsdk onedrivesdk
        stripe paypalrestsdk braintree plaid coinbase ccxt binance web3 alpaca_trade_api
        twilio sendgrid mailchimp_marketing mailgun postmarker vonage messagebird pushover
        pushbullet apprise plivo resend
        slack_sdk slack slack_bolt slackclient telegram telebot telethon pyrogram aiogram
        discord nextcord disnake dhooks discord_webhook matrix_client nio mattermostdriver
        zulip webexteamssdk pymsteams whatsapp_api_client_python vkbottle
        github github3 gitlab ghapi bitbucket jira atlassian asana trello notion_client pyairtable
        clickup zenpy simple_salesforce hubspot shopify woocommerce xero_python intercom
        tweepy twitter praw asyncpraw facebook instaloader instagrapi instagram_private_api
        linkedin_api mastodon atproto TikTokApi pyyoutube spotipy
        yfinance yahoo_fin alpha_vantage quandl nasdaqdatalink polygon finnhub pandas_datareader
        wikipedia wikipediaapi googlesearch duckduckgo_search ddgs serpapi tavily exa_py
        googletrans deep_translator deepl
        googlemaps pyowm openmeteo_requests
        sentry_sdk rollbar bugsnag datadog newrelic posthog mixpanel amplitude
        honeycomb opencensus logtail newrelic_telemetry_sdk statsd launchdarkly
        shodan censys virustotal_python greynoise
        algoliasearch auth0 okta kaggle datasets.load_dataset_builder tensorflow_hub
        """,
    ),
    (
        None,
        """
        openai: OpenAIError APIError RateLimitError types APIConnectionError APITimeoutError
        openai: AuthenticationError BadRequestError APIStatusError
        anthropic: AnthropicError APIError RateLimitError types APIConnectionError APIStatusError
        botocore: exceptions config.Config
        boto3: dynamodb.conditions
        google.cloud: exceptions
        googleapiclient.errors
        azure.core.exceptions
        stripe: error StripeError
        twilio.base.exceptions
        slack_sdk.errors telegram.error telegram.constants discord.errors
        github: GithubException
        huggingface_hub: errors
        tweepy.errors
        twilio.twiml
        replicate.exceptions
        """,
    ),
)
