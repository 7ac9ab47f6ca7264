/** Who the shop says it is: the CloudEvents `source`, which the receiver asks for. */
export const SHOP = 'https://shop.example/orders';
