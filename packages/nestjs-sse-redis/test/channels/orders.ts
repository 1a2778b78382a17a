import { Type } from 'class-transformer';
import { IsInt, IsString, MinLength, Validate, ValidateNested, ValidatorConstraint } from 'class-validator';
import { defineChannel } from 'nestjs-sse-redis';
import { z } from 'zod';

export class PriceDto {
  @IsInt()
  price!: number;
}

@ValidatorConstraint({ async: true })
class IsNotTaken {
  async validate(code: string): Promise<boolean> {
    await Promise.resolve();
    return code !== 'used';
  }

  defaultMessage(): string {
    return 'the code is taken';
  }
}

export class ShippedDto {
  @IsString()
  @MinLength(3)
  @Validate(IsNotTaken)
  code!: string;

  @ValidateNested({ each: true })
  @Type(() => PriceDto)
  items!: PriceDto[];
}

/** The definition of an application: a zod schema that transforms, one that does not, and a class. */
export const orders = defineChannel('order:{id}', {
  events: {
    paid: z.object({
      amount: z.number().positive(),
      note: z.string().default('none'),
      items: z.array(z.object({ price: z.number() })).optional(),
    }),
    seen: z.object({
      at: z
        .string()
        .datetime()
        .transform((text) => new Date(text)),
    }),
    shipped: ShippedDto,
  },
});

export const paid = { amount: 12, note: 'none' };
