/** The keys of adotd.yaml for the state folder: it keeps the data that the server has to remember across restarts. */
import * as z from 'zod/mini';

/** The folder that systemd makes for the service (`StateDirectory=`). It may name several, separated by colons. */
function givenFolder(): string | undefined {
  const [first = ''] = (process.env.STATE_DIRECTORY ?? '').split(':');
  return first === '' ? undefined : first;
}

export const state = z
  .optional(
    z
      .strictObject({
        folder: z.optional(z.string().check(z.minLength(1))).register(z.globalRegistry, {
          description:
            'Folder for what the server has to remember: zones that it gets from elsewhere or changes, their journals and serials. Give each server one of its own, on a local disk. Relative to this file. Default: `$STATE_DIRECTORY`, which systemd sets with `StateDirectory=`.',
        }),
      })
      .check(
        z.superRefine(({ folder = givenFolder() }, context) => {
          if (folder !== undefined) return;
          const message = 'expected a folder: $STATE_DIRECTORY, which is the default, is not set';
          context.addIssue({ code: 'custom', path: ['folder'], message });
        }),
        z.overwrite((all) => ({ ...all, folder: all.folder ?? givenFolder() })),
      ),
  )
  .register(z.globalRegistry, {
    description: 'Without it, the server serves files only: secondaries, catalogs and UPDATE need it.',
  });
