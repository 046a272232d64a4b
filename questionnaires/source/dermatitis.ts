/** Contact dermatitis: what touched the skin, when the rash came, and what it looks like. */
import { choice, consent, message, photograph, redFlag, whole, words, yesNo, type Intake } from './form.js';

export const dermatitis: Intake = {
  name: 'contact-dermatitis',
  title: 'Contact dermatitis intake',
  description:
    'What a patient tells and shows a dermatologist about a rash that may come from something that touched the skin, for a consult in which the two do not meet.',
  sections: [
    {
      linkId: 'urgent',
      text: 'Before you begin: signs that cannot wait',
      items: [
        ...redFlag(
          'airway-swelling',
          'Swelling of face or throat, or trouble breathing',
          'Are your lips, tongue, eyelids or throat swelling, or is it hard to breathe or to swallow?',
          'Call your local emergency number now. Swelling of the face or throat can block your breathing. Do not wait for a reply to this form.',
        ),
        ...redFlag(
          'skin-infection',
          'Signs of a skin infection',
          'Is there pus or a yellow crust, or is the skin hot, very painful and getting redder by the hour, or do you have a fever?',
          'The skin may be infected. See a doctor or go to an urgent care clinic today. Do not wait for a reply to this form.',
        ),
        ...redFlag(
          'blisters-widespread',
          'Blisters or peeling over much of the body, or sores in mouth or eyes',
          'Are there blisters or is the skin peeling over large parts of your body, or are there sores in your mouth, eyes or genitals?',
          'This can be a severe reaction, often to a medicine. Go to an emergency department now. Do not wait for a reply to this form.',
        ),
      ],
    },
    {
      linkId: 'rash',
      text: 'The rash',
      items: [
        choice(
          'rash-site',
          'Site of the rash',
          'Where is the rash? Choose all places.',
          {
            face: 'Face',
            eyelids: 'Eyelids',
            scalp: 'Scalp',
            neck: 'Neck',
            trunk: 'Chest, belly or back',
            arms: 'Arms',
            hands: 'Hands',
            legs: 'Legs',
            feet: 'Feet',
            'skin-folds': 'Armpits or groin',
          },
          { repeats: true },
        ),
        yesNo(
          'shape-fits',
          'Shape fits what touched the skin',
          'Does the rash have sharp edges, lines, or the shape of something you wore or touched?',
        ),
        choice('rash-start', 'Start of the rash', 'When did this rash begin?', {
          'within-a-week': 'Within the last week',
          'one-to-four-weeks': '1 to 4 weeks ago',
          'one-to-six-months': '1 to 6 months ago',
          'over-six-months': 'More than 6 months ago',
        }),
        choice('rash-course', 'Course of the rash', 'How has it gone since?', {
          'getting-worse': 'It is getting worse',
          steady: 'It stays the same',
          'getting-better': 'It is getting better',
          'comes-and-goes': 'It comes and goes',
        }),
        choice(
          'rash-looks',
          'Looks of the rash',
          'What does it look like? Choose all that fit.',
          {
            red: 'Red or darker than the skin around it',
            scaly: 'Dry or scaly',
            cracked: 'Cracked',
            'small-blisters': 'Small blisters',
            weeping: 'Wet or weeping',
            thickened: 'Thick, like leather',
          },
          { repeats: true },
        ),
        whole(
          'itch-score',
          'Strength of the itch',
          'How strong is the itch, from 0 (none) to 10 (the worst you can imagine)?',
          [0, 10],
        ),
        yesNo('sleep-lost', 'Sleep lost', 'Does the rash keep you from sleeping?'),
      ],
    },
    {
      linkId: 'exposure',
      text: 'What touched your skin',
      items: [
        choice('occupation', 'Kind of work', 'What kind of work do you do?', {
          healthcare: 'Health or personal care',
          hairdressing: 'Hairdressing or beauty',
          cleaning: 'Cleaning',
          'food-work': 'Cooking or food',
          building: 'Building, metal or machines',
          gardening: 'Farming or gardening',
          'office-work': 'Office or school',
          'no-work': 'I do not work',
          'other-work': 'Something else',
        }),
        words('occupation-detail', 'Other work', 'What do you do, and what do your hands touch?', {
          when: { occupation: 'other-work' },
        }),
        yesNo('better-away', 'Better away from work', 'Does the rash get better on days off or on holiday?'),
        choice(
          'products',
          'Products used',
          'Which of these touched the skin in the two days before it began? Choose all.',
          {
            'soap-or-shampoo': 'A new soap, shampoo or wash',
            cosmetics: 'Make-up, cream or sun cream',
            fragrance: 'Perfume or deodorant',
            'hair-dye': 'Hair dye',
            'nail-products': 'Nail varnish or false nails',
            jewellery: 'Jewellery, a buckle or another metal',
            gloves: 'Gloves or rubber',
            plants: 'Plants',
            'medicine-on-skin': 'A medicine put on the skin, or a plaster',
            clothing: 'New clothes or shoes',
            'none-of-these': 'None of these',
          },
          { repeats: true },
        ),
        words('products-detail', 'Names of the products', 'Write the names of the products, as far as you know them.', {
          optional: true,
        }),
        choice('delay', 'Time from contact to rash', 'How long after the contact did the rash begin?', {
          minutes: 'Within minutes',
          hours: 'Within hours',
          'one-to-three-days': 'After 1 to 3 days',
          later: 'Later than that',
          'not-known': 'I do not know',
        }),
        yesNo('same-before', 'Same reaction before', 'Have you had the same reaction before?'),
        words('same-before-cause', 'Cause of the reaction before', 'What set it off then?', {
          when: { 'same-before': true },
        }),
      ],
    },
    {
      linkId: 'history',
      text: 'Your health',
      items: [
        yesNo(
          'eczema-asthma-hayfever',
          'Eczema, asthma or hay fever',
          'Have you ever had eczema, asthma or hay fever?',
        ),
        yesNo(
          'patch-tested',
          'Patch test done',
          'Have you had a patch test (small patches stuck on your back for two days)?',
        ),
        words('patch-test-result', 'Result of the patch test', 'What did the patch test show?', {
          when: { 'patch-tested': true },
        }),
        yesNo('treated', 'Treated already', 'Have you used anything on the rash?'),
        words('treatment', 'Treatment so far', 'What did you use, for how long, and did it help?', {
          when: { treated: true },
        }),
        words(
          'medicines',
          'Medicines and allergies',
          'List the medicines you take and what you are allergic to. Write "none" if there are none.',
        ),
      ],
    },
    {
      linkId: 'photographs',
      text: 'Photographs',
      items: [
        message(
          'photograph-advice',
          'Use daylight and no flash, clean the lens, and check that the picture is sharp. Leave out your face unless the rash is there.',
        ),
        photograph(
          'photograph-overview',
          'Overview photograph',
          'Add a photograph from about arm’s length that shows all of the rash.',
          [1, 3],
        ),
        photograph(
          'photograph-close-up',
          'Close-up photograph',
          'Add at least two sharp close-ups, one where the rash is worst and one at its edge.',
          [2, 6],
        ),
        photograph(
          'photograph-product',
          'Photograph of the product',
          'If you suspect a product, add a photograph of its list of ingredients.',
          [0, 5],
        ),
      ],
    },
    consent('these answers and photographs', 'a skin specialist'),
  ],
};
