export { WebhookNotifier } from './webhook-notifier.js';
export type { WebhookOptions } from './webhook-notifier.js';
export { slackMessage } from './slack-message.js';
export type { SlackMessage } from './slack-message.js';
export { MailNotifier } from './mail-notifier.js';
export type { MailOptions } from './mail-notifier.js';
